import { rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { ServiceKind } from '../../../lib/service/index.ts'
import { eventually } from '../../kit/eventually.ts'
import { pullSame } from '../../kit/pull-same.ts'
import { type PushedBlob, pushBlobOf } from '../../kit/pushed-blob.ts'
import { buildResource } from '../../kit/resource-stack.ts'
import { steadyTraffic } from '../../kit/steady-traffic.ts'
import { tempFolder } from '../../kit/temp-folder.ts'
import { testPorts } from '../../kit/test-ports.ts'
import { startTopology, type Topology } from '../../kit/topology.ts'

const SIZE = 200_000
const agents = ['agent-1', 'agent-2', 'agent-3']
const origins = ['origin-1', 'origin-2', 'origin-3', 'origin-4']
const placed = [...origins, 'tracker-1', 'tracker-2', 'tracker-3', 'build-index-1', 'build-index-2']
/** Not there at first. */
const later = ['origin-4', 'tracker-3', 'build-index-2']

/** The rings that each kind of service has in its config. */
const ringsOf: Readonly<Record<ServiceKind, readonly string[]>> = {
  agent: ['origins', 'trackers', 'buildIndexes'],
  proxy: ['origins', 'buildIndexes'],
  tracker: ['origins', 'trackers', 'buildIndexes'],
  origin: ['origins', 'trackers'],
  buildIndex: ['origins'],
  controller: ['trackers'],
  manager: [],
}

interface Lab extends AsyncDisposable {
  readonly shoal: Topology
  /** Writes who the members are, and waits until every service that runs knows it. */
  members(ring: string, ids: readonly string[]): Promise<void>
  start(id: string): Promise<void>
  stop(id: string): Promise<void>
  /** Gives a service that does not run another address. */
  move(id: string): Promise<void>
  /** Pulls a blob at every agent at once; the bytes that have left the backend for it. */
  pull(blob: PushedBlob): Promise<number>
}

function startLab(): Promise<Lab> {
  return buildResource(async (stack) => {
    const folder = stack.own(await tempFolder('member-files')).path
    const free = await testPorts(placed.length + 2)
    const portNow = () => free.take(0, { http: 0 }).http
    const ports = new Map(placed.map((id) => [id, portNow()]))
    const write = async (ring: string, ids: readonly string[]) => {
      const members = ids.map((id) => ({ id, url: `http://127.0.0.1:${ports.get(id)}` }))
      await writeFile(join(folder, `${ring}.new`), JSON.stringify(members))
      await rename(join(folder, `${ring}.new`), join(folder, ring))
    }
    await write('origins', ['origin-1', 'origin-2', 'origin-3'])
    await write('trackers', ['tracker-1', 'tracker-2'])
    await write('buildIndexes', ['build-index-1'])
    const source = (ring: string) => [ring, { members: { file: { path: join(folder, ring) } } }] as const
    const shoal = stack.own(
      await startTopology({
        ...{ agents: agents.length, origins: origins.length, trackers: 3, later, processes: [] },
        more: (kind, id) => ({
          ...Object.fromEntries(ringsOf[kind].map(source)),
          ...(ports.has(id) && { http: { bind: `127.0.0.1:${ports.get(id)}` } }),
        }),
      }),
    )
    const running = new Map(
      Object.entries(shoal.plan).flatMap(([kind, list]) =>
        list.filter(({ id }) => !later.includes(id)).map(({ id }) => [id, kind as ServiceKind] as const),
      ),
    )
    const kindOf = (id: string) =>
      Object.entries(shoal.plan).find(([, list]) => list.some((each) => each.id === id))?.[0] as ServiceKind
    const knows = async (id: string, ring: string, urls: readonly string[]) => {
      const answer = (await (await fetch(`${shoal.url(id, 'admin')}/rings`)).json()) as {
        rings: { name: string; members: { url: string }[] }[]
      }
      const known = answer.rings.find(({ name }) => name === ring)?.members.map(({ url }) => url)
      expect(known?.toSorted()).toEqual(urls.toSorted())
    }
    const fromBackend = async () => {
      const each = origins
        .filter((id) => running.has(id))
        .map((id) => shoal.counter(id, 'shoal_received_bytes_total', 'from="backend"'))
      return (await Promise.all(each)).reduce((sum, bytes) => sum + bytes, 0)
    }
    return {
      shoal,
      async members(ring, ids) {
        await write(ring, ids)
        const urls = ids.map((id) => `http://127.0.0.1:${ports.get(id)}`)
        const concerned = [...running].filter(([, kind]) => ringsOf[kind].includes(ring))
        await eventually(() => Promise.all(concerned.map(([id]) => knows(id, ring, urls))))
      },
      async start(id) {
        await shoal.start(id)
        running.set(id, kindOf(id))
      },
      async stop(id) {
        running.delete(id)
        await shoal.stop(id)
      },
      async move(id) {
        ports.set(id, portNow())
      },
      async pull({ path, bytes }) {
        const before = await fromBackend()
        await Promise.all(agents.map((id) => pullSame(shoal.url(id, 'registry') + path, bytes)))
        return (await fromBackend()) - before
      },
    }
  })
}

/** Pushes and pulls one blob after the other. */
const traffic = (lab: Lab) =>
  steadyTraffic(async (count) => {
    const blob = await pushBlobOf(lab.shoal, `busy/${count}`, SIZE)
    await Promise.all(agents.map((id) => pullSame(lab.shoal.url(id, 'registry') + blob.path, blob.bytes)))
  })

describe('members that come, go and move while clients push and pull', () => {
  let lab: Lab
  const cold: PushedBlob[] = []

  beforeAll(async () => {
    lab = await startLab()
    for (let i = 0; i < 8; i += 1) cold.push(await pushBlobOf(lab.shoal, `cold/${i}`, SIZE))
    // Afterwards only the backend has them.
    for (const id of origins.slice(0, 3)) {
      await lab.stop(id)
      await rm(join(lab.shoal.data, id), { recursive: true })
    }
    for (const id of origins.slice(0, 3)) await lab.start(id)
    await eventually(async () => {
      for (const id of origins.slice(0, 3)) expect((await fetch(`${lab.shoal.url(id, 'ops')}/readyz`)).status).toBe(200)
    })
  }, 60_000)

  afterAll(async () => lab[Symbol.asyncDispose]())

  const next = () => cold.pop() as PushedBlob

  test('every push and pull succeeds, and what the backend has leaves it once, and at a change at most twice', async () => {
    const busy = traffic(lab)
    expect(await lab.pull(next())).toBe(SIZE)
    const changes: Readonly<Record<string, () => Promise<void>>> = {
      async 'an origin joins, a tracker joins, a build-index joins'() {
        for (const id of later) await lab.start(id)
        await lab.members('origins', origins)
        await lab.members('trackers', ['tracker-1', 'tracker-2', 'tracker-3'])
        await lab.members('buildIndexes', ['build-index-1', 'build-index-2'])
      },
      async 'an origin leaves, a tracker leaves, a build-index leaves'() {
        await lab.members('origins', ['origin-2', 'origin-3', 'origin-4'])
        await lab.members('trackers', ['tracker-2', 'tracker-3'])
        await lab.members('buildIndexes', ['build-index-2'])
        await busy.round()
        for (const id of ['origin-1', 'tracker-1', 'build-index-1']) await lab.stop(id)
      },
      async 'an origin and a build-index come back for others, and at other addresses'() {
        for (const id of ['origin-1', 'build-index-1']) await lab.move(id)
        for (const id of ['origin-1', 'build-index-1', 'tracker-1']) await lab.start(id)
        await lab.members('origins', ['origin-1', 'origin-3', 'origin-4'])
        await lab.members('buildIndexes', ['build-index-1'])
        await lab.members('trackers', ['tracker-1', 'tracker-3'])
      },
    }
    for (const [what, change] of Object.entries(changes)) {
      const [, during] = await Promise.all([change(), lab.pull(next())])
      expect([what, during <= 2 * SIZE]).toEqual([what, true])
      await busy.round()
      expect([what, await lab.pull(next())]).toEqual([what, SIZE])
    }
    expect(await busy.end()).toEqual([])
  }, 120_000)
})
