import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { cipherBytes } from '../../kit/cipher-bytes.ts'
import { eventually } from '../../kit/eventually.ts'
import { type NetworkSpace, networkLab, noNetworkLab } from '../../kit/network-lab.ts'
import { resourceStack } from '../../kit/resource-stack.ts'
import { tempFolder } from '../../kit/temp-folder.ts'

/**
 * Two networks without a way from one to the other, and between them haproxy, as a cloud's load balancer of TCP. In
 * `control` are a tracker, two origins and a build-index; in `user` agents, each on a machine of its own, and a proxy.
 */
const CONTROL = '10.90.1.10'
const BALANCER = { control: '10.90.1.2', user: '10.90.2.2' }
const AGENTS = ['10.90.2.11', '10.90.2.12', '10.90.2.13']
/** The ports of the control components; the balancer has the same. */
const PORTS = [62_001, 63_001, 64_001, 64_002, 64_011, 64_012]
const SIZE = 12_000_000

const missing = noNetworkLab('/usr/sbin/haproxy')
if (missing !== undefined) process.stdout.write(`skipped: services behind balancers: ${missing}\n`)

const haproxy = `
global
  maxconn 500
defaults
  mode tcp
  timeout connect 5s
  timeout client 60s
  timeout server 60s
${PORTS.map(
  (port) => `
listen p${port}
  bind ${BALANCER.user}:${port}
  server one ${CONTROL}:${port} source ${BALANCER.control} send-proxy-v2 check check-send-proxy inter 500ms
`,
).join('')}`

const secrets = { node: 'of-all-nodes-0123456789', service: 'of-all-services-012345' }
const { node, service } = secrets
const adminRead = 'of-all-admins-0123456789'

const member = (id: string, port: number) => ({
  id,
  addresses: { control: `http://${CONTROL}:${port}`, user: `http://${BALANCER.user}:${port}` },
})
const rings = {
  origins: { members: [member('origin-1', 64_001), member('origin-2', 64_011)] },
  trackers: { members: [member('tracker-1', 63_001)] },
  buildIndexes: { members: [member('build-index-1', 62_001)] },
}
const proxyProtocol = { from: [`${BALANCER.control}/32`], direct: [`${CONTROL}/32`] }
const behind = (port: number) => ({ bind: `${CONTROL}:${port}`, proxyProtocol })
const local = (port: number) => ({ bind: `127.0.0.1:${port}` })

const stack = resourceStack()
let control: NetworkSpace
let agents: readonly NetworkSpace[]
let folder: string

/** What each control component has beside its own keys. */
const place = { network: 'control', log: 'warn' }

async function startControl() {
  const files = { driver: 'file', folder: join(folder, 'backend') }
  const { origins, trackers } = rings
  const tracker = { ...place, ...rings, member: 'tracker-1', folder: join(folder, 'tracker'), http: behind(63_001) }
  const hosts = [CONTROL, BALANCER.user]
  const index = { ...place, origins, backend: files, http: behind(62_001), hosts }
  const originOf = (n: number) => {
    const port = (last: number) => 64_000 + 10 * (n - 1) + last
    const listeners = { http: behind(port(1)), peer: behind(port(2)), ops: local(port(3)), admin: local(port(4)) }
    const own = { member: `origin-${n}`, folder: join(folder, `origin-${n}`), limits: { upload: '5MB/s' } }
    const peerAddresses = { user: `${BALANCER.user}:${port(2)}` }
    const backends = [{ repository: '*', backend: files }]
    const config = { ...place, origins, trackers, ...listeners, ...own, peerAddresses, backends }
    return control.service('origin', { config, opsPort: port(3), secrets })
  }
  await Promise.all([
    control.service('tracker', { config: tracker, opsPort: 63_003, secrets: { ...secrets, adminRead } }),
    control.service('build-index', { config: index, opsPort: 62_003, secrets }),
    ...[1, 2].map(originOf),
  ])
}

/** Agents and a proxy, which is on the first of their machines. */
async function startUsers() {
  const { origins, buildIndexes } = rings
  const own = { network: 'user', log: 'warn' }
  const proxy = { ...own, origins, buildIndexes, anonymous: 'write' }
  const agentOf = (i: number) => ({
    ...{ ...own, ...rings, registry: { default: 'own' } },
    ...{ folder: join(folder, `agent-${i}`), peer: { bind: `${AGENTS[i]}:65002` } },
  })
  await Promise.all([
    ...agents.map((at, i) => at.service('agent', { config: agentOf(i), opsPort: 65_003, secrets: { node } })),
    agents[0]?.service('proxy', { config: proxy, opsPort: 61_003, secrets: { service } }),
  ])
}

beforeAll(async () => {
  if (missing !== undefined) return
  folder = stack.own(await tempFolder('balancers')).path
  const lab = stack.own(await networkLab())
  const balancer = await lab.space('balancer')
  control = await lab.space('control')
  agents = await Promise.all(AGENTS.map((_, i) => lab.space(`agent${i + 1}`)))
  const users = agents.map((agent, i) => [agent, `${AGENTS[i]}/24`] as const)
  await lab.network([balancer, `${BALANCER.control}/24`], [[control, `${CONTROL}/24`]])
  await lab.network([balancer, `${BALANCER.user}/24`], users)
  await writeFile(join(folder, 'haproxy.cfg'), haproxy)
  await balancer.start('haproxy', ['-db', '-f', join(folder, 'haproxy.cfg')])
  await startControl()
  await startUsers()
}, 180_000)

afterAll(async () => stack[Symbol.asyncDispose]())

const describeThere = missing === undefined ? describe : describe.skip

describeThere('a cluster whose control components are in another network, behind balancers of TCP', () => {
  test('takes a push, and its agents pull and swarm among themselves, though neither side reaches the other', async () => {
    await expect(agents[0]?.request('GET', `http://${CONTROL}:63001/`)).rejects.toThrow()
    await expect(control.request('GET', `http://${AGENTS[0]}:65002/`)).rejects.toThrow()

    await writeFile(join(folder, 'content'), cipherBytes('behind balancers', SIZE))
    const digest = await agents[0]?.push('http://127.0.0.1:5000', 'team/app', join(folder, 'content'))
    const pulls = agents.map((agent) => agent.request('GET', `http://127.0.0.1:65001/v2/team/app/blobs/${digest}`))
    for (const answer of await Promise.all(pulls)) expect(answer).toMatchObject({ status: 200, digest })

    const { text = '' } = await control.request('GET', 'http://127.0.0.1:63004/hosts', { token: adminRead })
    const { hosts } = JSON.parse(text) as { hosts: { host: string; port: number; role: string }[] }
    const seen = hosts.filter(({ role }) => role === 'agent').map(({ host, port }) => `${host}:${port}`)
    expect(seen.toSorted()).toEqual(AGENTS.map((address) => `${address}:65002`))

    const received = (from: string) =>
      Promise.all(agents.map((agent) => agent.counter(65_003, 'shoal_received_bytes_total', `from="${from}"`)))
    const sum = (counts: readonly number[]) => counts.reduce((all, one) => all + one, 0)
    expect(sum(await received('peer'))).toBeGreaterThan(SIZE / 2)
    const given = await Promise.all(
      [64_003, 64_013].map((ops) => control.counter(ops, 'shoal_sent_bytes_total', 'to="peer"')),
    )
    expect(sum(given)).toBeGreaterThanOrEqual(SIZE)
  }, 180_000)

  test('knows the looks of its balancers from callers, on every listener', async () => {
    const looks = (ops: number, listener: string) =>
      control.counter(ops, 'shoal_balanced_connections_total', `listener="${listener}",outcome="local"`)
    for (const ops of [64_003, 64_013]) {
      await eventually(async () => expect(await looks(ops, 'peer')).toBeGreaterThan(0))
      await eventually(async () => expect(await looks(ops, 'http')).toBeGreaterThan(0))
    }
  }, 60_000)
})
