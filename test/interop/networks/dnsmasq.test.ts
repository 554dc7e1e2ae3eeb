import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { cipherBytes } from '../../kit/cipher-bytes.ts'
import { eventually } from '../../kit/eventually.ts'
import { type NetworkSpace, networkLab, noNetworkLab } from '../../kit/network-lab.ts'
import { resourceStack } from '../../kit/resource-stack.ts'
import type { StartedProcess } from '../../kit/start-process.ts'
import { steadyTraffic } from '../../kit/steady-traffic.ts'
import { tempFolder } from '../../kit/temp-folder.ts'

/**
 * Services that know each other by DNS alone, as by headless Services: origins by SRV records, trackers by their
 * addresses. dnsmasq serves them in a network namespace, where it is the name server of the system.
 */
const missing = noNetworkLab('/usr/sbin/dnsmasq')
if (missing !== undefined) process.stdout.write(`skipped: members by dnsmasq: ${missing}\n`)

const AGENTS = [1, 2]
const refresh = { minRefresh: '1s', maxRefresh: '1s' }
const origins = { members: { dns: { name: '_http._tcp.origin.shoal.test', ...refresh, keep: '20s' } } }
const trackers = { members: { dns: { name: 'tracker.shoal.test', record: 'A', port: 63_001, ...refresh, keep: '2s' } } }
const buildIndexes = { members: [{ id: 'build-index-1', url: 'http://127.0.0.1:62001' }] }
const local = (port: number) => ({ bind: `127.0.0.1:${port}` })

/** What the name server says: addresses of origins by their numbers, and of trackers. */
interface Records {
  readonly origins: Readonly<Record<number, string>>
  readonly trackers: readonly string[]
}

const configOf = ({ origins: pods, trackers: addresses }: Records) =>
  [
    'no-resolv\nno-hosts\nbind-interfaces\nlisten-address=127.0.0.1\nlocal=/shoal.test/\nlocal-ttl=1',
    ...Object.entries(pods).flatMap(([n, address]) => [
      `srv-host=_http._tcp.origin.shoal.test,origin-${n}.origin.shoal.test,64001`,
      `host-record=origin-${n}.origin.shoal.test,${address}`,
    ]),
    ...addresses.map((address) => `host-record=tracker.shoal.test,${address}`),
    '',
  ].join('\n')

const stack = resourceStack()
let space: NetworkSpace
let folder: string
let names: StartedProcess<void> | undefined
const running = new Map<string, StartedProcess<void>>()

/** The name server ends and comes back with other records, as the DNS of a cluster may. */
async function serve(records: Records): Promise<void> {
  names?.kill('SIGTERM')
  await names?.exited
  await writeFile(join(folder, 'dnsmasq.conf'), configOf(records))
  names = await space.start('dnsmasq', ['--keep-in-foreground', `--conf-file=${join(folder, 'dnsmasq.conf')}`])
}

async function startOrigin(n: number, address: string): Promise<void> {
  const port = (last: number) => 64_000 + 10 * n + last
  const listeners = { http: { bind: `${address}:64001` }, peer: { bind: `${address}:64002` } }
  const config = {
    ...{ ...listeners, ops: local(port(3)), admin: local(port(4)), origins, trackers, log: 'warn' },
    ...{ member: `origin-${n}`, folder: join(folder, `origin-${n}`), drain: '5s' },
    backends: [{ repository: '*', backend: { driver: 'file', folder: join(folder, 'backend') } }],
  }
  running.set(`origin-${n}`, await space.service('origin', { config, opsPort: port(3) }))
}

async function startTracker(n: number, address: string): Promise<void> {
  const port = (last: number) => 63_000 + 10 * n + last
  const config = {
    ...{
      http: { bind: `${address}:63001` },
      ops: local(port(3)),
      admin: local(port(4)),
      origins,
      trackers,
      buildIndexes,
    },
    ...{ member: address, folder: join(folder, `tracker-${n}`), log: 'warn' },
  }
  running.set(`tracker-${n}`, await space.service('tracker', { config, opsPort: port(3) }))
}

async function stop(id: string): Promise<void> {
  running.get(id)?.kill('SIGTERM')
  expect(await running.get(id)?.exited).toMatchObject({ code: 0 })
}

const agentPort = (n: number, last: number) => 65_000 + 10 * n + last

beforeAll(async () => {
  if (missing !== undefined) return
  folder = stack.own(await tempFolder('dnsmasq')).path
  const lab = stack.own(await networkLab())
  space = await lab.space('dns', { nameServer: '127.0.0.1' })
  await serve({ origins: { 0: '127.0.1.10', 1: '127.0.1.11' }, trackers: ['127.0.2.10'] })
  const index = { backend: { driver: 'file', folder: join(folder, 'backend') }, origins, log: 'warn' }
  const agentOf = (n: number) => ({
    ...{ origins, trackers, buildIndexes, folder: join(folder, `agent-${n}`), log: 'warn' },
    ...{ registry: { default: 'own', listener: local(agentPort(n, 1)) }, peer: local(agentPort(n, 2)) },
    ...{ ops: local(agentPort(n, 3)), admin: local(agentPort(n, 4)) },
  })
  await Promise.all([
    ...[startOrigin(0, '127.0.1.10'), startOrigin(1, '127.0.1.11'), startTracker(1, '127.0.2.10')],
    space.service('build-index', { config: index, opsPort: 62_003 }),
    space.service('proxy', { config: { origins, buildIndexes, anonymous: 'write', log: 'warn' }, opsPort: 61_003 }),
    ...AGENTS.map((n) => space.service('agent', { config: agentOf(n), opsPort: agentPort(n, 3) })),
  ])
}, 180_000)

afterAll(async () => {
  names?.kill('SIGTERM')
  await stack[Symbol.asyncDispose]()
})

/** Pushes and pulls one blob after the other. */
const traffic = () =>
  steadyTraffic(async (count) => {
    const file = join(folder, 'content')
    await writeFile(file, cipherBytes(`by names ${count}`, 300_000))
    const digest = await space.push('http://127.0.0.1:5000', `team/app${count}`, file)
    const pull = async (n: number) => {
      const url = `http://127.0.0.1:${agentPort(n, 1)}/v2/team/app${count}/blobs/${digest}`
      expect(await space.request('GET', url)).toMatchObject({ status: 200, digest })
    }
    await Promise.all(AGENTS.map(pull))
  })

/** Waits until both agents have these members in a ring, by their ids. */
const known = (ring: string, ids: readonly string[]) =>
  eventually(async () => {
    for (const n of AGENTS) {
      const { text = '' } = await space.request('GET', `http://127.0.0.1:${agentPort(n, 4)}/rings`)
      const { rings } = JSON.parse(text) as { rings: { name: string; members: { id: string }[] }[] }
      const members = rings.find(({ name }) => name === ring)?.members.map(({ id }) => id)
      expect(members?.toSorted()).toEqual(ids)
    }
  })

const describeThere = missing === undefined ? describe : describe.skip

describeThere('services that find each other by the records of dnsmasq', () => {
  test('go on while records change, members come, move and go, and the name server is away', async () => {
    const busy = traffic()
    await known('origins', ['origin-0', 'origin-1'])
    await busy.round()

    await startOrigin(2, '127.0.1.12')
    await startTracker(2, '127.0.2.11')
    const joined = { 0: '127.0.1.10', 1: '127.0.1.11', 2: '127.0.1.12' }
    await serve({ origins: joined, trackers: ['127.0.2.10', '127.0.2.11'] })
    await known('origins', ['origin-0', 'origin-1', 'origin-2'])
    await known('trackers', ['127.0.2.10', '127.0.2.11'])
    await busy.round()

    // A pod is replaced: it is out of the DNS for a while, and comes back at another address with its name and disk.
    await serve({ origins: { 1: '127.0.1.11', 2: '127.0.1.12' }, trackers: ['127.0.2.11'] })
    await stop('origin-0')
    await startOrigin(0, '127.0.1.20')
    await serve({ origins: { ...joined, 0: '127.0.1.20' }, trackers: ['127.0.2.11'] })
    await known('origins', ['origin-0', 'origin-1', 'origin-2'])
    await known('trackers', ['127.0.2.11'])
    await stop('tracker-1')
    await busy.round()
    const asked = () => space.counter(64_003, 'shoal_http_requests_total', 'listener="http"')
    const before = await asked()
    await eventually(async () => expect(await asked()).toBeGreaterThan(before))

    names?.kill('SIGTERM')
    await names?.exited
    await busy.round()
    await known('origins', ['origin-0', 'origin-1', 'origin-2'])
    expect(await busy.end()).toEqual([])
  }, 180_000)
})
