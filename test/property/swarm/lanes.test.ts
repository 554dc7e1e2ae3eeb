import { describe, expect, test } from '@jest/globals'
import { codeOf, type FakeClock, fakeClock, type Random, seededRandom } from '../../../lib/base/index.ts'
import { type SwarmId, swarmIdOf } from '../../../lib/core/index.ts'
import { encodeBencode } from '../../../lib/metainfo/index.ts'
import { memoryNetwork, type PeerConnection } from '../../../lib/swarm/peer/index.ts'
import { encodeLaneMessage } from '../../../lib/swarm/wire/lane-messages.ts'
import { fetchBlock } from '../../kit/fetch-block.ts'
import { hostileScene, message, uint32 } from '../../kit/hostile-peer.ts'
import { choppy, type LinkNode, linkNode } from '../../kit/link-node.ts'
import { type BlobFixture, blobFixture } from '../../kit/metainfo-fixture.ts'

const RUNS = 12
const STEPS = 500
/** One piece of 1 MiB each, so that blocks of any size fit. */
const blobs = Array.from({ length: 6 }, (_, at) => blobFixture(1_000_000 + at, seededRandom(at + 1)))
const blobOf = (id: SwarmId) => blobs.find(({ header }) => swarmIdOf(header.digest) === id)

/** One end of a lane. What it said and what it heard are in order; blocks are checked against their blob. */
interface End {
  readonly connection: PeerConnection
  readonly blob: BlobFixture
  readonly said: string[]
  readonly heard: string[]
  closed: boolean
}

/** Two ends of the same lane have the same key: who opened it, for which swarm, for the how manieth time. */
type Ends = Map<string, End>

class Side {
  readonly ends: Ends = new Map()
  readonly #opened = new Map<string, number>()
  readonly #name: string
  readonly #random: Random
  wrong = 0
  node: LinkNode | undefined

  constructor(name: string, random: Random) {
    this.#name = name
    this.#random = random
  }

  get name(): string {
    return this.#name
  }

  add(opener: string, blob: BlobFixture, connection: PeerConnection): void {
    const swarm = `${opener} ${blob.header.length}`
    const time = (this.#opened.get(swarm) ?? 0) + 1
    this.#opened.set(swarm, time)
    const end: End = { connection, blob, said: [], heard: [], closed: false }
    this.ends.set(`${swarm} ${time}`, end)
    connection.attach({
      onHave: (pieces) => end.heard.push(`have ${pieces?.join() ?? 'set'}`),
      onChoke: (choked) => end.heard.push(`choke ${choked}`),
      onInterest: (interested) => end.heard.push(`interest ${interested}`),
      onSuggest: (piece) => end.heard.push(`suggest ${piece}`),
      onBusy: (peers) => end.heard.push(`busy ${peers.map(({ port }) => port).join()}`),
      onRequest: (block) => {
        const bytes = blob.bytes.subarray(block.offset, block.offset + block.length)
        void connection.sendBlock(block, bytes).catch(() => undefined)
      },
      onCancel: () => undefined,
      onWant: () => undefined,
      onClose: () => {
        end.closed = true
      },
    })
    connection.sendChoke(false)
    end.said.push('choke false')
  }

  /** One random message, or the end of a lane. */
  act(): void {
    const open = [...this.ends.values()].filter(({ closed }) => !closed)
    const end = open[Math.floor(this.#random.next() * open.length)]
    if (end === undefined) return
    const { connection, said } = end
    const dice = this.#random.next()
    const number = Math.floor(this.#random.next() * 2 ** 15)
    if (dice < 0.3) this.#request(end)
    else if (dice < 0.6) {
      connection.sendBusy([
        { peerId: connection.hello.peerId, host: '10.0.0.9', port: 1 + number, role: 'agent', complete: true },
      ])
      said.push(`busy ${1 + number}`)
    } else if (dice < 0.9) {
      connection.sendInterested(number % 2 === 0)
      said.push(`interest ${number % 2 === 0}`)
    } else if (dice < 0.94) {
      end.closed = true
      connection.close()
    }
  }

  #request(end: End): void {
    const { connection, blob } = end
    if (connection.choked || connection.openRequests > 20) return
    const size = blob.map.sizeOf(0)
    const offset = Math.floor(this.#random.next() * size)
    const length = 1 + Math.floor(this.#random.next() ** 2 * (size - offset - 1))
    const into = Buffer.alloc(length)
    fetchBlock(connection, { piece: 0, offset, length }, into).then(
      () => {
        if (!into.equals(blob.bytes.subarray(offset, offset + length))) this.wrong += 1
      },
      () => undefined,
    )
  }
}

async function settle(clock: FakeClock): Promise<void> {
  for (let turn = 0; turn < 60; turn += 1) await clock.advance(0)
}

async function sides(clock: FakeClock, random: Random): Promise<readonly [Side, Side]> {
  const network = memoryNetwork()
  const both = [new Side('a', random), new Side('b', random)] as const
  for (const [at, side] of both.entries()) {
    const host = `10.0.0.${at + 1}`
    side.node = await linkNode({
      ...{ clock, host, seed: at + 1, blobs, transport: choppy(network.host(host), random) },
      onPeer: (id, connection) => side.add(both[1 - at]?.name ?? '', blobOf(id) ?? blobs[0]!, connection),
    })
  }
  return both
}

/** What one end heard is what the other one said, up to where the lane ended. */
function expectTwins(ends: Ends, others: Ends): void {
  for (const [key, end] of ends) {
    const twin = others.get(key)!
    const isOpen = !end.closed && !twin.closed
    for (const [one, two] of [[end, twin] as const, [twin, end] as const]) {
      expect(two.heard).toEqual(isOpen ? one.said : one.said.slice(0, two.heard.length))
    }
    expect(end.closed).toBe(twin.closed)
  }
}

describe('lanes that both ends open, use and close at random', () => {
  test.each(Array.from({ length: RUNS }, (_, at) => at + 1))(
    'carry every message to its own lane, in order (seed %i)',
    async (seed) => {
      const clock = fakeClock()
      const random = seededRandom(seed)
      const both = await sides(clock, random)
      const opening = new Set<string>()
      const failures = new Set<string | undefined>()
      let opened = 0
      for (let step = 0; step < STEPS; step += 1) {
        const [side, to] = random.next() < 0.5 ? both : ([both[1], both[0]] as const)
        const blob = blobs[Math.floor(random.next() * blobs.length)]!
        const key = `${side.name} ${blob.header.length}`
        if (
          random.next() < 0.15 &&
          opened < 250 &&
          !opening.has(key) &&
          side.node !== undefined &&
          to.node !== undefined
        ) {
          opening.add(key)
          opened += 1
          side.node.connect(to.node, blob).then(
            (connection) => {
              opening.delete(key)
              side.add(side.name, blob, connection)
            },
            (err: unknown) => {
              opening.delete(key)
              failures.add(codeOf(err))
            },
          )
        } else side.act()
        if (random.next() < 0.1) await clock.advance(0)
      }
      await settle(clock)
      // Lanes that both ask for at once may be too many for the link.
      failures.delete('PEER_LIMIT')
      expect([...failures]).toEqual([])
      const [a, b] = both
      expect([...a.ends.keys()].sort()).toEqual([...b.ends.keys()].sort())
      expect(a.ends.size).toBeGreaterThan(30)
      expectTwins(a.ends, b.ends)
      expect([a.wrong, b.wrong, a.node?.links === b.node?.links]).toEqual([0, 0, true])
      for (const { ends } of both) for (const { connection } of ends.values()) connection.close()
      await settle(clock)
      for (const { node } of both) await node?.[Symbol.asyncDispose]()
    },
  )
})

describe('a peer that sends messages about lanes in any order', () => {
  const header = blobs[0]!.header
  const extended = (id: number, body: Uint8Array) => message(20, Buffer.from([id]), body)
  const someMessage = (random: Random): Uint8Array => {
    const number = Math.floor(random.next() * 8)
    const kinds = [
      () => encodeLaneMessage({ kind: 'open', lane: number, header }),
      () => encodeLaneMessage({ kind: 'open', lane: number & 6, header }),
      () => encodeLaneMessage({ kind: 'accept', lane: number }),
      () => encodeLaneMessage({ kind: 'refuse', lane: number, why: 'full' }),
      () => encodeLaneMessage({ kind: 'close', lane: number }),
      () => extended(5, uint32(number)),
      () => extended(5, uint32(number & 2)),
      () => extended(3, random.bytes(1 + number)),
      () => extended(4, encodeBencode({ do: 'open', lane: number })),
      () => message(2),
      () => message(5, Buffer.from([0x80])),
      () => message(6, uint32(0, 0, 16)),
    ]
    return kinds[Math.floor(random.next() * kinds.length)]!()
  }

  test('is heard or closed with a code, and nothing is left of it', async () => {
    const outcomes = new Set<string>()
    for (let seed = 1; seed <= 300; seed += 1) {
      const random = seededRandom(seed)
      await using scene = await hostileScene({ shared: blobs })
      await scene.shakeHands()
      for (let sent = 0; sent < 12; sent += 1) {
        scene.send(someMessage(random))
        if (random.next() < 0.7) await scene.settle()
        if (random.next() < 0.1) scene.lanes[0]?.close()
      }
      outcomes.add(await scene.outcome())
    }
    outcomes.delete('open')
    // The first lane ended before the link did.
    outcomes.delete('PEER_CLOSED')
    outcomes.delete('closed')
    expect([...outcomes]).toEqual(['WIRE_FRAME_INVALID'])
  })
})
