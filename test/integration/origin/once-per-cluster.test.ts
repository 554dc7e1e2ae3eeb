import { describe, expect, test } from '@jest/globals'
import { digestOf } from '../../../lib/core/index.ts'
import { cipherBytes } from '../../kit/cipher-bytes.ts'
import { clusterOf } from '../../kit/cluster.ts'
import { eventually } from '../../kit/eventually.ts'
import { type ObjectServer, objectServer } from '../../kit/object-server.ts'
import { pullSame } from '../../kit/pull-same.ts'
import { buildResource } from '../../kit/resource-stack.ts'
import { pullDigest } from '../../kit/slow-pull.ts'
import { startTopology, type Topology } from '../../kit/topology.ts'

const MIB = 1024 * 1024
const size = 8 * MIB
/** Reads of a web server that obeys ranges. */
const units = size / (4 * MIB)
const content = cipherBytes('a cold blob', size)
const digest = digestOf(content)
const ids = ['origin-1', 'origin-2', 'origin-3']

interface Lab {
  readonly shoal: Topology
  readonly store: ObjectServer
  /** Ids of the first owner of the blob, the second owner, and the origin that does not own it. */
  readonly first: string
  readonly second: string
  readonly other: string
  url(id: string): string
  /** What an origin says it has of the blob. */
  holding(id: string): Promise<Holding>
  received(id: string, from: 'backend' | 'origin'): Promise<number>
}

interface Holding {
  readonly ranges: readonly (readonly [number, number])[]
  readonly verified: boolean
  readonly claim: string
}

const heldBytes = ({ ranges }: Holding) => ranges.reduce((sum, [start, end]) => sum + end - start, 0)

/**
 * Three origins over a backend with `object` in place of the blob; origins named in `processes` can be killed.
 */
function startLab(object: Uint8Array, processes: readonly ('first' | 'second' | 'other')[] = []) {
  return buildResource<Omit<Lab, keyof AsyncDisposable>>(async (stack) => {
    const store = stack.own(await objectServer(object))
    const ring = clusterOf(ids.map((id) => ({ id, url: '' })))
    const [first = '', second = ''] = ring.owners(digest).map(({ id }) => id)
    const other = ids.find((id) => id !== first && id !== second) ?? ''
    const places = { first, second, other }
    const rule = { repository: '*', backend: { driver: 'http', url: `${store.url}/{key}` } }
    const shoal = stack.own(
      await startTopology({
        ...{ agents: 0, origins: 3, trackers: 1 },
        later: ['tracker-1', 'build-index-1', 'build-index-2', 'proxy-1'],
        processes: processes.map((place) => places[place]),
        overrides: [`origin.backends=${JSON.stringify([rule])}`],
      }),
    )
    const url = (id: string) => `${shoal.url(id)}/namespace/team%2Fapp/blobs/${digest}`
    return {
      ...{ shoal, store, first, second, other, url },
      holding: async (id) => (await (await fetch(`${url(id)}/holding`)).json()) as Holding,
      received: (id, from) => shoal.counter(id, 'shoal_received_bytes_total', `from="${from}"`),
    }
  })
}

/** Resolves when each origin has stored that many bytes. */
function allHold(lab: Lab, bytes: number, among = ids): Promise<void> {
  return eventually(async () => {
    for (const id of among) expect(heldBytes(await lab.holding(id))).toBeGreaterThanOrEqual(bytes)
  })
}

describe('three origins and two hundred clients of a cold blob', () => {
  test('the backend serves each byte once, and waiting costs no memory', async () => {
    await using lab = await startLab(content)
    lab.store.openTo(MIB)
    const received = new Map<number, number>()
    const pulls = Array.from({ length: 200 }, (_, i) =>
      pullSame(lab.url(ids[i % 3] ?? ''), content, (bytes) => received.set(i, bytes)),
    )
    const allHave = (bytes: number) =>
      eventually(() => expect([received.size, ...received.values()]).toEqual([200, ...Array(200).fill(bytes)]), {
        timeoutMs: 120_000,
      })
    // What comes goes out to everybody before the rest has come.
    await allHave(MIB)
    const before = process.memoryUsage().rss
    lab.store.openTo(2 * MIB)
    await allHave(2 * MIB)
    expect(process.memoryUsage().rss - before).toBeLessThan(100 * MIB)
    lab.store.openTo(Number.POSITIVE_INFINITY)
    await Promise.all(pulls)
    expect(lab.store.counts.between(size)).toEqual({ least: 1, most: 1 })
    expect(lab.store.reads).toBe(units)
    expect(await Promise.all(ids.map((id) => lab.received(id, 'backend')))).toEqual(
      ids.map((id) => (id === lab.first ? size : 0)),
    )
    expect(await lab.received(lab.second, 'origin')).toBe(size)
    expect(await lab.received(lab.other, 'origin')).toBe(size)
    // Nearly two gigabytes pass through this process, which takes a minute on a busy machine.
  }, 240_000)

  test('a body of the backend that is cut is read on from there', async () => {
    await using lab = await startLab(content)
    lab.store.cutAt(5 * MIB + 65_536)
    expect(new Set(await Promise.all(ids.map((id) => pullDigest(lab.url(id)))))).toEqual(new Set([digest]))
    expect(lab.store.reads).toBe(units + 1)
    expect(await lab.received(lab.first, 'backend')).toBe(size)
    // Bytes in the sockets are lost when the connection breaks.
    expect(lab.store.counts.total).toBeLessThanOrEqual(size + MIB)
  })

  test('wrong content is read once, refused everywhere, and no client gets the whole of it', async () => {
    await using lab = await startLab(cipherBytes('something else', size))
    const answers = await Promise.allSettled(ids.map((id) => pullDigest(lab.url(id))))
    expect(answers.map(({ status }) => status)).toEqual(ids.map(() => 'rejected'))
    expect(lab.store.counts.between(size)).toEqual({ least: 1, most: 1 })
    const held = await Promise.all(ids.map((id) => fetch(`${lab.url(id)}/holding`)))
    expect(held.filter(({ status }) => status === 503)).not.toEqual([])
    // Those who followed hear of it when they ask again.
    for (const id of ids) {
      await eventually(async () => expect(await lab.shoal.counter(id, 'shoal_store_used_bytes')).toBe(0))
    }
  })
})

describe('the reader of the backend is killed by SIGKILL half-way', () => {
  /**
   * Bytes that the backend sends before the kill. At this gate less than a piece is on its way, and lost with the
   * reader.
   */
  const gate = size / 2 + 200_000

  async function killed(lab: Lab) {
    lab.store.openTo(gate)
    const pulls = [lab.second, lab.other].map((id) => pullDigest(lab.url(id)))
    await allHold(lab, size / 2)
    await eventually(() => expect(lab.store.counts.total).toBe(gate))
    const over = lab.store.reads - lab.store.open
    await lab.shoal.kill(lab.first)
    // An answer whose reader is gone would send on when the gate opens. The next reader may have come meanwhile.
    await eventually(() => expect(lab.store.reads - lab.store.open).toBeGreaterThan(over))
    return pulls
  }

  test('its successor reads what no living origin has, and the others go on with it', async () => {
    await using lab = await startLab(content, ['first'])
    const pulls = await killed(lab)
    const living = Math.max(...(await Promise.all([lab.second, lab.other].map(lab.holding))).map(heldBytes))
    expect(living).toBe(size / 2)
    lab.store.openTo(Number.POSITIVE_INFINITY)
    expect(await Promise.all(pulls)).toEqual([digest, digest])
    expect(await lab.received(lab.second, 'backend')).toBe(size - living)
    expect(lab.store.counts.total).toBe(gate + size - living)
    expect(await lab.received(lab.other, 'backend')).toBe(0)
    expect(await lab.received(lab.other, 'origin')).toBe(size)
  })

  test('once it is back it goes on with what it had, and reads the backend no more', async () => {
    await using lab = await startLab(content, ['first'])
    const pulls = await killed(lab)
    lab.store.openTo(gate + 2 * MIB)
    await allHold(lab, size / 2 + MIB, [lab.second])
    await lab.shoal.start(lab.first)
    const back = pullDigest(lab.url(lab.first))
    await allHold(lab, size / 2 + MIB)
    lab.store.openTo(Number.POSITIVE_INFINITY)
    expect(await Promise.all([...pulls, back])).toEqual([digest, digest, digest])
    expect(await lab.received(lab.first, 'backend')).toBe(0)
    expect(await lab.received(lab.first, 'origin')).toBe(size / 2)
    expect(lab.store.counts.total).toBe(gate + size / 2)
  })

  test('when no other origin lives it reads the rest itself, once it is back', async () => {
    await using lab = await startLab(content, ['first', 'second', 'other'])
    lab.store.openTo(gate)
    const cut = pullDigest(lab.url(lab.first)).catch(() => 'cut')
    await eventually(async () => expect(heldBytes(await lab.holding(lab.first))).toBe(size / 2))
    for (const id of [lab.second, lab.other, lab.first]) await lab.shoal.kill(id)
    expect(await cut).toBe('cut')
    await lab.shoal.start(lab.first)
    lab.store.openTo(Number.POSITIVE_INFINITY)
    expect(await pullDigest(lab.url(lab.first))).toBe(digest)
    expect(await lab.received(lab.first, 'backend')).toBe(size / 2)
  })
})
