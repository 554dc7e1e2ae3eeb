import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { Bitset } from '../../../lib/base/index.ts'
import { PieceMap, pieceLengthFor } from '../../../lib/core/index.ts'
import { frameGuard } from '../../../lib/swarm/wire/frame-guard.ts'
import { frameReader } from '../../../lib/swarm/wire/frame-reader.ts'
import { checkHello } from '../../../lib/swarm/wire/hello-check.ts'
import { idleCount } from '../../../lib/swarm/wire/idle-count.ts'
import { lengthRules } from '../../../lib/swarm/wire/messages.ts'
import { fetchBlock } from '../../kit/fetch-block.ts'
import { message, uint32 } from '../../kit/hostile-peer.ts'
import { blobFixture } from '../../kit/metainfo-fixture.ts'
import { peerPair, recorder, serving } from '../../kit/peer-pair.ts'

const blob = blobFixture(3 * pieceLengthFor(0) + 4321)
const { map } = blob

const blocks = fc.array(
  fc.tuple(fc.nat(map.count - 1), fc.double({ min: 0, max: 0.999, noNaN: true }), fc.integer({ min: 1, max: 262_144 })),
  { minLength: 1, maxLength: 20 },
)

interface Head {
  readonly id: number
  readonly length: number
}

/** Length and id of each message that has begun; keep-alives have no id. */
function headsOf(bytes: Buffer): Head[] {
  const heads: Head[] = []
  for (let at = 0; at + 5 <= bytes.length; ) {
    const length = bytes.readUInt32BE(at)
    if (length > 0) heads.push({ id: bytes.readUInt8(at + 4), length })
    at += 4 + length
  }
  return heads
}

describe('any blocks asked for at once', () => {
  test('arrive as they are in the blob', async () => {
    await fc.assert(
      fc.asyncProperty(blocks, async (wanted) => {
        await using pair = await peerPair({ blob })
        const { left, right } = pair
        const events = recorder()
        left.attach(events)
        right.attach(serving(() => right, blob))
        right.sendBitfield(Bitset.full(map.count))
        right.sendChoke(false)
        await events.until('unchoke')
        await Promise.all(
          wanted.map(async ([piece, at, most]) => {
            const offset = Math.floor(at * map.sizeOf(piece))
            const length = Math.min(most, map.sizeOf(piece) - offset)
            const into = Buffer.alloc(length)
            await fetchBlock(left, { piece, offset, length }, into)
            const start = map.rangeOf(piece).start + offset
            expect(into.equals(blob.bytes.subarray(start, start + length))).toBe(true)
          }),
        )
      }),
      { seed: 20240611, numRuns: 25 },
    )
  })
})

interface Seen {
  readonly messages: readonly string[]
  readonly blocks: readonly string[]
}

/** Reads `bytes` cut at `cuts`; every block gets a buffer of its own. */
function readCut(bytes: Uint8Array, cuts: readonly number[]): Seen {
  const messages: string[] = []
  const found: { key: string; into: Uint8Array }[] = []
  const reader = frameReader(lengthRules(map.count), {
    onKeepAlive: () => messages.push('keep-alive'),
    onMessage: (id, body) => messages.push(`${id} ${Buffer.from(body).toString('hex')}`),
    onBlockStart: ({ piece, offset, length }) => {
      const into = new Uint8Array(length)
      found.push({ key: `${piece}:${offset}`, into })
      return { into }
    },
    onBlockEnd: () => messages.push('block'),
  })
  let at = 0
  for (const cut of [...cuts].sort((a, b) => a - b)) {
    // The chunk is a copy that is wiped afterwards: the reader must not keep a reference to it.
    const chunk = Uint8Array.from(bytes.subarray(at, cut))
    reader.push(chunk)
    chunk.fill(0xee)
    at = cut
  }
  reader.push(bytes.subarray(at))
  return { messages, blocks: found.map(({ key, into }) => `${key} ${Buffer.from(into).toString('hex')}`) }
}

const someMessage = fc.oneof(
  fc.constant(uint32(0)),
  fc.constantFrom(message(0), message(1), message(2), message(14), message(5, Buffer.from([0xa0]))),
  fc.nat(3).map((piece) => message(4, uint32(piece))),
  fc.uint8Array({ minLength: 1, maxLength: 300 }).map((payload) => message(7, uint32(1, 7), payload)),
  fc.uint8Array({ minLength: 1, maxLength: 300 }).map((payload) => message(20, payload)),
)

describe('a stream of messages', () => {
  test('means the same however it is cut', () => {
    fc.assert(
      fc.property(
        fc.array(someMessage, { maxLength: 12 }),
        fc.array(fc.nat(2000), { maxLength: 30 }),
        (parts, cuts) => {
          const bytes = Buffer.concat(parts)
          expect(
            readCut(
              bytes,
              cuts.filter((cut) => cut <= bytes.length),
            ),
          ).toEqual(readCut(bytes, []))
        },
      ),
      { seed: 20240611, numRuns: 500 },
    )
  })

  test('of any bytes is read or refused by code', () => {
    const rules = lengthRules(map.count)
    const fits = ({ id, length }: Head) => length >= rules(id).min && length <= rules(id).max
    fc.assert(
      fc.property(fc.array(fc.oneof(someMessage, fc.uint8Array({ maxLength: 30 })), { maxLength: 8 }), (parts) => {
        const idle = idleCount()
        const guard = frameGuard({ map: new PieceMap(blob.header.length), fast: true, foreign: false, idle })
        const reader = frameReader(lengthRules(map.count), {
          onKeepAlive: () => idle.add(),
          onMessage: (id, body) =>
            id === 20 && body[0] === 0 ? checkHello(body.subarray(1)) : void guard.judge(id, body),
          onBlockStart: (block) => {
            guard.checkBlock(block)
            return { into: undefined }
          },
          onBlockEnd: () => undefined,
        })
        const bytes = Buffer.concat(parts)
        let refusal: unknown
        try {
          reader.push(bytes)
        } catch (err) {
          refusal = err
        }
        if (refusal === undefined) expect(headsOf(bytes).filter((head) => !fits(head))).toEqual([])
        else expect(refusal).toMatchObject({ code: 'WIRE_FRAME_INVALID' })
      }),
      { seed: 20240611, numRuns: 2000 },
    )
  })
})
