import { describe, expect, test } from '@jest/globals'
import { fakeClock } from '../../../../lib/base/index.ts'
import type { PullClass } from '../../../../lib/core/index.ts'
import { encodeHaves, MAX_HAVES, readHaves } from '../../../../lib/swarm/wire/have-batch.ts'
import { haveOutbox } from '../../../../lib/swarm/wire/have-outbox.ts'
import type { ByteChannel } from '../../../../lib/swarm/wire/index.ts'
import { linkOutput } from '../../../../lib/swarm/wire/link-output.ts'

/** A channel that says what leaves it, and lets it go one write after the other. */
function slowChannel() {
  const written: { readonly bytes: Uint8Array; readonly onFlushed: (() => void) | undefined }[] = []
  let at = 0
  const nothing = () => undefined
  const channel: ByteChannel = {
    remote: { host: '10.0.0.1', port: 1 },
    get pendingBytes() {
      return written.slice(at).reduce((sum, { bytes }) => sum + bytes.length, 0)
    },
    ...{ read: nothing, pause: nothing, resume: nothing, destroy: nothing },
    write: (bytes, onFlushed) => void written.push({ bytes, onFlushed }),
  }
  return {
    channel,
    /** The payloads that were written, by their first byte. */
    blocks: () => written.filter(({ bytes }) => bytes.length > 1_000).map(({ bytes }) => bytes[0]),
    flush: () => {
      const due = written.slice(at)
      at = written.length
      for (const { onFlushed } of due) onFlushed?.()
    },
  }
}

const head = new Uint8Array(13)

describe('blocks on a link', () => {
  test('leave lane by lane, so that a small layer does not wait for all of a large one', () => {
    const { channel, blocks, flush } = slowChannel()
    const output = linkOutput(channel, () => undefined)
    const ended: string[] = []
    const add = (lane: number, name: number) =>
      output.queueBlock(lane, {
        head,
        pullClass: 'normal',
        bytes: new Uint8Array(256 * 1024).fill(name),
        onFlushed: () => ended.push(`flushed ${name}`),
        onDropped: () => ended.push(`dropped ${name}`),
      })
    for (const name of [1, 2, 3, 4]) add(0, name)
    for (const name of [21, 22]) add(2, name)
    for (let turn = 0; turn < 4; turn += 1) flush()
    expect(blocks()).toEqual([1, 2, 21, 3, 22])
    output.leave(0)
    output.stop()
    expect(ended).toEqual(['flushed 1', 'flushed 2', 'flushed 21', 'flushed 3', 'dropped 4', 'dropped 22'])
  })
})

describe('blocks of several classes on a link', () => {
  test('leave by the weights of their classes, and those of the lowest do leave', () => {
    const { channel, blocks, flush } = slowChannel()
    const output = linkOutput(channel, () => undefined)
    const nothing = () => undefined
    const add = (lane: number, name: number, pullClass: PullClass) =>
      output.queueBlock(lane, {
        ...{ head, pullClass, onFlushed: nothing, onDropped: nothing },
        bytes: new Uint8Array(256 * 1024).fill(name),
      })
    for (let at = 0; at < 40; at += 1) {
      add(0, 1, 'low')
      add(2, 4, 'normal')
      add(4, 16, 'high')
    }
    for (let turn = 0; turn < 41; turn += 1) flush()
    const left = blocks().slice(0, 42)
    const count = (name: number) => left.filter((block) => block === name).length
    expect([count(16), count(4), count(1)]).toEqual([32, 8, 2])
  })
})

describe('many new pieces', () => {
  test.each([[[0]], [[5, 3, 4, 70_000]], [[0xffff_ffff]], [[127, 128, 129, 16_512]]])(
    '%j come back sorted',
    (pieces) => {
      const bytes = encodeHaves(pieces)
      expect(readHaves(bytes.subarray(6))).toEqual([...pieces].sort((a, b) => a - b))
    },
  )

  test('cost about a byte each, and fit into one message', () => {
    expect(encodeHaves(Array.from({ length: MAX_HAVES }, (_, at) => at * 3)).length).toBe(6 + MAX_HAVES)
  })

  test('go at once when none went lately, else together', async () => {
    const clock = fakeClock()
    const sent: (readonly number[])[] = []
    const outbox = haveOutbox(clock, { everyMs: 10, send: (bytes) => sent.push(readHaves(bytes.subarray(6))) })
    outbox.add(7)
    outbox.add(3)
    await clock.advance(0)
    for (let at = 10; at < 15; at += 1) {
      outbox.add(at)
      await clock.advance(2)
    }
    outbox.add(20)
    await clock.advance(10)
    outbox.add(21)
    outbox.stop()
    await clock.advance(10)
    expect(sent).toEqual([[3, 7], [10, 11, 12, 13, 14], [20]])
    expect(clock.pending).toBe(0)
  })
})
