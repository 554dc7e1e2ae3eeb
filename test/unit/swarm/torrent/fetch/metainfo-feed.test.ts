import { describe, expect, test } from '@jest/globals'
import { type AppError, appError, fakeClock, seededRandom } from '../../../../../lib/base/index.ts'
import { newPeerId, type PeerInfo, parseRepository } from '../../../../../lib/core/index.ts'
import { type MetainfoRecord, metainfoLog, type NamedPeers } from '../../../../../lib/metainfo/index.ts'
import type { MetainfoAsker, MetainfoOptions } from '../../../../../lib/swarm/index.ts'
import { runMetainfoFeed } from '../../../../../lib/swarm/torrent/fetch/metainfo-feed.ts'
import { askedNames } from '../../../../../lib/swarm/torrent/shared/asked-names.ts'
import { swarmBlob } from '../../../../kit/swarm-blob.ts'

const blob = swarmBlob(1, 3 * 256 * 1024)
const other = swarmBlob(2, 3 * 256 * 1024)
const [header, first, second, third, verified] = blob.records as [
  MetainfoRecord,
  MetainfoRecord,
  MetainfoRecord,
  MetainfoRecord,
  MetainfoRecord,
]

type Script = readonly (MetainfoRecord | AppError | 'silence' | 'pause')[]

/** Runs the feed over streams, one for each script; the last script is repeated. */
function play(...scripts: readonly Script[]) {
  return playAs(undefined, ...scripts)
}

function playAs(asker: MetainfoAsker | undefined, ...scripts: readonly Script[]) {
  const clock = fakeClock()
  const controller = new AbortController()
  const log = metainfoLog()
  const seen: string[] = []
  const askers: unknown[] = []
  let opened = 0
  const metainfo = {
    async *open(_blob: unknown, { signal, asker }: MetainfoOptions = {}) {
      askers.push(asker)
      const script = scripts[Math.min(opened, scripts.length - 1)] ?? []
      opened += 1
      for (const step of script) {
        if (step === 'pause') await clock.sleep(10_000, { signal })
        else if (step === 'silence') await clock.sleep(3_600_000, { signal })
        else if ('code' in step && 'retryable' in step) throw step
        else yield step
      }
    },
  }
  const events = {
    onChange: (change: { kind: string }) => void seen.push(change.kind),
    onPeers: ({ intervalMs }: NamedPeers) => void seen.push(`peers ${intervalMs}`),
    onHint: (named: readonly PeerInfo[]) => void seen.push(`hint ${named.length}`),
    onHeartbeat: () => undefined,
    onInterrupted: (err: AppError) => void seen.push(`interrupted ${err.code}`),
    onRefused: (err: AppError) => void seen.push(`refused ${err.code}`),
  }
  const components = { clock, random: seededRandom(1), metainfo }
  const names = askedNames({ digest: blob.digest, repository: parseRepository('a') })
  const init = { names, direct: false, asker }
  const done = runMetainfoFeed(components, init, { log, events }, controller.signal)
  return { clock, controller, log, seen, done, askers, opened: () => opened }
}

describe('the metainfo feed', () => {
  test('ends with the verified record of a log that knows everything', async () => {
    const feed = play(blob.records)
    await feed.done
    expect(feed.seen).toEqual(['header', 'piece', 'piece', 'piece', 'verified'])
    expect(feed.log.verified).toBe(true)
  })

  const asker = {
    node: { peerId: newPeerId(seededRandom(2)), role: 'agent', host: '10.0.0.1', port: 1 },
    wantPeers: 24,
  } as const
  const peers = { kind: 'peers', intervalMs: 5_000, peers: [] } as const

  test('introduces the node with the first request only, and tells whom a tracker names', async () => {
    const feed = playAs(asker, [peers, header, first], blob.records)
    await feed.clock.advance(20_000)
    await feed.done
    expect(feed.askers).toEqual([asker, undefined])
    expect(feed.seen.slice(0, 3)).toEqual(['peers 5000', 'header', 'piece'])
    expect(feed.log.verified).toBe(true)
  })

  test('tells of peers that begin to have the blob, as often as a tracker hints at them, also without an introduction', async () => {
    const hint = { kind: 'hint', peers: [] } as const
    const feed = playAs(undefined, [header, hint, first, hint, appError('PEER_CLOSED')], blob.records)
    await feed.clock.advance(3_000)
    await feed.done
    expect(feed.seen.slice(0, 4)).toEqual(['header', 'hint 0', 'piece', 'hint 0'])
  })

  test('ends when the blob is unknown after all, though peers were named', async () => {
    const feed = playAs(asker, [peers, appError('PEER_CLOSED')], [appError('BLOB_UNKNOWN')])
    await feed.clock.advance(1_000)
    await feed.done
    expect(feed.seen).toEqual(['peers 5000', 'interrupted PEER_CLOSED', 'refused BLOB_UNKNOWN'])
  })

  test('takes no peers from who was not asked for them', async () => {
    const feed = play([peers, ...blob.records])
    await feed.done
    expect(feed.seen).toEqual(['header', 'piece', 'piece', 'piece', 'verified'])
  })

  test('goes on over streams that end early, and tells nothing twice', async () => {
    const feed = play([header, first], [header, first, second], blob.records)
    await feed.clock.advance(20_000)
    await feed.done
    expect(feed.seen.filter((step) => !step.startsWith('interrupted'))).toEqual([
      'header',
      'piece',
      'piece',
      'piece',
      'verified',
    ])
    expect(feed.seen).toContain('interrupted METAINFO_INCOMPLETE')
  })

  test.each(['BLOB_UNKNOWN', 'NO_BACKEND_RULE', 'BACKEND_DENIED', 'BACKEND_REFUSED', 'BACKEND_CORRUPT'] as const)(
    'ends at once when every source says %s',
    async (code) => {
      const feed = play([appError(code)])
      await feed.done
      expect(feed.seen).toEqual([`refused ${code}`])
    },
  )

  test('takes an unknown blob after its header for a source that forgot', async () => {
    const feed = play([header, first], [appError('BLOB_UNKNOWN')], blob.records)
    await feed.clock.advance(20_000)
    await feed.done
    expect(feed.log.verified).toBe(true)
  })

  test('tries again, less and less often, while nobody answers', async () => {
    const feed = play([appError('SOURCES_EXHAUSTED')])
    await feed.clock.advance(60_000)
    expect(feed.opened()).toBeGreaterThan(15)
    expect(feed.opened()).toBeLessThan(150)
    feed.controller.abort()
    await feed.done
    expect(feed.clock.pending).toBe(0)
  })

  test('leaves a stream that has gone silent', async () => {
    const feed = play([header, 'silence'], blob.records)
    await feed.clock.advance(14_000)
    expect(feed.opened()).toBe(1)
    await feed.clock.advance(6_000)
    await feed.done
    expect(feed.seen).toContain('interrupted REQUEST_TIMEOUT')
    expect(feed.log.verified).toBe(true)
  })

  test('stays with a slow stream whose heart beats', async () => {
    const beat: MetainfoRecord = { kind: 'heartbeat' }
    const feed = play([header, 'pause', beat, 'pause', beat, 'pause', ...blob.records.slice(1)])
    await feed.clock.advance(31_000)
    await feed.done
    expect(feed.opened()).toBe(1)
    expect(feed.log.verified).toBe(true)
  })

  test('ends when two streams name different hashes for one piece', async () => {
    const lie: MetainfoRecord = { kind: 'piece', index: 0, hash: new Uint8Array(32) }
    const feed = play([header, first], [header, lie])
    await feed.clock.advance(5_000)
    await feed.done
    expect(feed.seen.at(-1)).toBe('refused METAINFO_CONFLICT')
  })

  test('does not take the metainfo of another blob', async () => {
    const feed = play(other.records, [header, first, second, third, verified])
    await feed.clock.advance(5_000)
    await feed.done
    expect(feed.seen[0]).toBe('interrupted METAINFO_INVALID')
    expect(feed.log.header?.digest).toBe(blob.digest)
  })

  test('stops with its signal', async () => {
    const feed = play([header, 'silence'])
    await feed.clock.advance(10)
    feed.controller.abort()
    await feed.done
    expect(feed.seen).toEqual(['header'])
    expect(feed.clock.pending).toBe(0)
  })
})
