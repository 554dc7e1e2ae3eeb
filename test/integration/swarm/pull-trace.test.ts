import { describe, expect, test } from '@jest/globals'
import { newPeerId, parseRepository, swarmIdOf, type WaitCause } from '../../../lib/core/index.ts'
import { inlineDigester, type MetainfoRecord, type PieceDigester } from '../../../lib/metainfo/index.ts'
import type { ManagedStore } from '../../../lib/store/index.ts'
import { type PullSummary, RecordedTrace } from '../../../lib/swarm/index.ts'
import { type SwarmBlob, swarmBlob } from '../../kit/swarm-blob.ts'
import { type LabNode, putPieces, readAll, type SwarmLab, swarmLab } from '../../kit/swarm-lab.ts'

const MIB = 1024 * 1024
const blob = swarmBlob(1, 4 * MIB)
const ref = ({ digest }: SwarmBlob) => ({ digest, repository: parseRepository('lab') })

interface Traced {
  /** Milliseconds by cause. */
  readonly ms: Readonly<Partial<Record<WaitCause, number>>>
  readonly summary: PullSummary
}

interface PullWith {
  /** For how long the client thinks about each chunk. */
  readonly takeMs?: number
  /** After how long the process stands still for five seconds. */
  readonly stallAtMs?: number
}

/** Pulls the blob with a trace. */
async function pull(lab: SwarmLab, { engine }: LabNode, { takeMs = 0, stallAtMs }: PullWith = {}): Promise<Traced> {
  const trace = new RecordedTrace(lab.clock, 'disk')
  const work = async (): Promise<Traced> => {
    const handle = await engine.open(ref(blob), { trace })
    try {
      for await (const chunk of handle.read() as AsyncIterable<Uint8Array>) {
        if (takeMs > 0 && chunk.length > 0) await lab.clock.sleep(takeMs)
      }
    } finally {
      handle.close()
    }
    trace.stop()
    const ms: Partial<Record<WaitCause, number>> = {}
    for (const wait of trace.report().waits) ms[wait.cause] = (ms[wait.cause] ?? 0) + wait.ms
    const summary = await handle.summary
    expect(Object.values(ms).reduce((sum, each) => sum + each, 0)).toBeCloseTo(summary.totalMs)
    return { ms, summary }
  }
  const working = work()
  if (stallAtMs !== undefined) {
    await lab.clock.advance(stallAtMs)
    lab.clock.stall(5_000)
  }
  return lab.run(working)
}

/** The records of the blob, with a pause before the one at `at`. */
const late = ({ clock }: SwarmLab, ms: number, at: number): (MetainfoRecord | Promise<void>)[] => [
  ...blob.records.slice(0, at),
  clock.sleep(ms),
  ...blob.records.slice(at),
]

/** Each test begins with the cause that it provokes: a test of the docs looks for all of them. */
describe('a pull', () => {
  test('metainfo: waits for the metainfo while no source gives it', async () => {
    await using lab = swarmLab([blob])
    await lab.origin()
    lab.sources.answerMetainfo(() => late(lab, 700, 0))
    const { ms, summary } = await pull(lab, await lab.agent())
    expect(ms.metainfo).toBeGreaterThanOrEqual(700)
    expect(summary).toMatchObject({ outcome: 'done', sources: [{ role: 'origin', bytes: 4 * MIB, wrong: 0 }] })
  })

  test('bringing: waits for an origin that still brings the blob', async () => {
    await using lab = swarmLab([blob])
    await lab.origin()
    lab.sources.answerMetainfo(() => late(lab, 900, 1))
    const { ms } = await pull(lab, await lab.agent())
    expect(ms.bringing).toBeGreaterThanOrEqual(850)
  })

  test('noPeers: waits for somebody to be named, and then takes its bytes over HTTP', async () => {
    await using lab = swarmLab([blob])
    // A tracker that takes its time: only after some patience HTTP is tried without its answer.
    Object.assign(lab.tracker.announcer, { announce: () => lab.clock.sleep(5_000).then(() => []) })
    const { ms, summary } = await pull(lab, await lab.agent())
    expect(ms.noPeers).toBeGreaterThan(500)
    expect(summary.bytes.http).toBe(4 * MIB)
  })

  test('http: waits for bytes that an origin gives over HTTP', async () => {
    await using lab = swarmLab([blob])
    const gate = lab.sources.gatePieces(MIB)
    lab.clock.setTimer(4_000, () => gate.open())
    expect((await pull(lab, await lab.agent())).ms.http).toBeGreaterThan(1_500)
  })

  test('originFailed: waits for the next try over HTTP after one that failed', async () => {
    await using lab = swarmLab([blob])
    lab.sources.failPieces('SOURCES_EXHAUSTED')
    lab.clock.setTimer(4_000, () => lab.sources.failPieces(undefined))
    const { ms, summary } = await pull(lab, await lab.agent())
    expect(ms.originFailed).toBeGreaterThan(500)
    expect(summary.lastStepFailed).toBe('SOURCES_EXHAUSTED')
  })

  test('dialling: waits for a connection to a peer that was named', async () => {
    await using lab = swarmLab([blob])
    await lab.network.host('10.0.9.9').listen({ host: '10.0.9.9', port: 9 }, () => undefined)
    const gone = { peerId: newPeerId(lab.random), host: '10.0.9.9', port: 9, role: 'agent' as const }
    const numbers = { leftBytes: 0, wantPeers: 0, reports: [] }
    const swarmId = swarmIdOf(blob.digest)
    await lab.tracker.announcer.announce(gone, [{ ...ref(blob), swarmId, event: 'started', ...numbers }])
    expect((await pull(lab, await lab.agent())).ms.dialling).toBeGreaterThan(0)
  })

  test('digest: waits for the check of the whole, which holds its last bytes back', async () => {
    await using lab = swarmLab([blob])
    await lab.origin()
    const inline = inlineDigester()
    const running: PieceDigester['running'] = (algorithm) => {
      const each = inline.running(algorithm)
      return { ...each, end: () => lab.clock.sleep(600).then(() => each.end()) }
    }
    const { ms } = await pull(lab, await lab.agent({ digester: { ...inline, running } }))
    expect(ms.digest).toBeGreaterThanOrEqual(550)
  })

  test('standstill: is told apart from the peers when the process stands still', async () => {
    await using lab = swarmLab([blob])
    await lab.origin()
    lab.sources.answerMetainfo(() => late(lab, 1_000, 1))
    const { ms } = await pull(lab, await lab.agent(), { stallAtMs: 300 })
    expect(ms.standstill).toBeGreaterThan(4_000)
    expect(ms.bringing).toBeLessThan(1_500)
  })

  test('client: waits for the client that reads slowly', async () => {
    await using lab = swarmLab([blob])
    await lab.origin()
    const { ms, summary } = await pull(lab, await lab.agent(), { takeMs: 100 })
    expect(ms.client).toBeGreaterThan(summary.totalMs * 0.9)
  })

  test('disk: waits for the store that makes room', async () => {
    await using lab = swarmLab([blob])
    await lab.origin()
    const wrapStore = (store: ManagedStore) =>
      new Proxy(store, {
        get(target, name) {
          if (name === 'openPartial') {
            return (...given: Parameters<ManagedStore['openPartial']>) =>
              lab.clock.sleep(800).then(() => target.openPartial(...given))
          }
          const value: unknown = Reflect.get(target, name, target)
          return typeof value === 'function' ? (value.bind(target) as unknown) : value
        },
      })
    expect((await pull(lab, await lab.agent({ wrapStore }))).ms.disk).toBeGreaterThanOrEqual(750)
  })

  test('tells its trace a few changes for each piece, and nothing for each block', async () => {
    const large = swarmBlob(2, 96 * MIB)
    await using lab = swarmLab([large])
    await lab.origin()
    const { engine } = await lab.agent()
    const trace = {
      turns: 0,
      turn: () => {
        trace.turns += 1
      },
    }
    const handle = await lab.run(engine.open(ref(large), { trace }))
    await lab.run(readAll(handle.read(undefined, { transient: true })))
    handle.close()
    // Three for each part of 1 MiB that the client takes, and those of a wait before it.
    expect(trace.turns).toBeLessThan(6 * large.map.count)
  })

  test('counts only what came while it ran, and says what was here before', async () => {
    await using lab = swarmLab([blob])
    await lab.origin()
    const agent = await lab.agent()
    await putPieces(agent.store, blob, 3)
    const { summary } = await pull(lab, agent)
    const { pieceLength } = blob.map
    expect(summary.bytes).toMatchObject({ cache: 3 * pieceLength, origin: 4 * MIB - 3 * pieceLength })
    const again = await pull(lab, agent)
    expect(again.summary).toMatchObject({ bytes: { cache: 4 * MIB, origin: 0 }, sources: [], outcome: 'done' })
  })
})

describe('the end of a pull', () => {
  async function outcome(use: (lab: SwarmLab, agent: LabNode) => Promise<PullSummary>) {
    await using lab = swarmLab([blob])
    await lab.origin()
    return (await lab.run(use(lab, await lab.agent()))).outcome
  }

  test('is told: nothing read, all read, gone away', async () => {
    const opened = async (read: (handle: Awaited<ReturnType<LabNode['engine']['open']>>) => Promise<void>) =>
      outcome(async (_lab, { engine }) => {
        const handle = await engine.open(ref(blob))
        await read(handle)
        handle.close()
        return handle.summary
      })
    expect(await opened(async () => undefined)).toBe('unread')
    expect(
      await opened(async (handle) => {
        await readAll(handle.read({ start: 5, end: 10 }))
      }),
    ).toBe('done')
    expect(
      await opened(async (handle) => {
        const [first] = await handle.read().take(1).toArray()
        expect(first).toBeDefined()
      }),
    ).toBe('left')
  })

  test('is the code of the error with which a read failed', async () => {
    const failed = outcome(async (_lab, { engine }) => {
      const handle = await engine.open(ref(blob))
      const read = handle.read()
      await engine.stop()
      await read.toArray().catch(() => undefined)
      handle.close()
      return handle.summary
    })
    expect(await failed).toBe('SHUTTING_DOWN')
  })
})
