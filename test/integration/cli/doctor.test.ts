import { once } from 'node:events'
import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { seededRandom } from '../../../lib/base/index.ts'
import { steps } from '../../../services/cli/doctor/steps.ts'
import { run } from '../../../services/cli/run.ts'
import { pushImage } from '../../contract/registry/running-registry.ts'
import { eventually } from '../../kit/eventually.ts'
import { imageFixture } from '../../kit/image-fixture.ts'
import { recordingHost } from '../../kit/recording-host.ts'
import { registryClient } from '../../kit/registry-client.ts'
import { resourceStack } from '../../kit/resource-stack.ts'
import { tempFolder } from '../../kit/temp-folder.ts'
import { startTopology, type Topology } from '../../kit/topology.ts'

/** The doctor beside a cluster, healthy and ill, with a stand-in for the docker command that really pulls. */
const stack = resourceStack()
const secret = 'the-secret-of-the-nodes'
const admin = 'the-secret-of-the-admins'
const image = 'team/app:1.0'
let shoal: Topology
let folder: string
const stopped: string[] = []

beforeAll(async () => {
  const set = (services: readonly string[], name: string, value: string) =>
    services.map((service) => `${service}.secrets.${name}=${value}`)
  const everybody = ['buildIndex', 'tracker', 'origin', 'agent', 'proxy']
  const overrides = [
    ...set(['buildIndex', 'tracker', 'origin', 'agent'], 'node', secret),
    ...set(['buildIndex', 'tracker', 'origin', 'proxy'], 'service', 'the-secret-of-the-services'),
    ...set(everybody, 'admin', admin),
    ...['agent.registry.anonymous=read', 'proxy.anonymous=write'],
  ]
  folder = stack.own(await tempFolder('doctor')).path
  shoal = stack.own(await startTopology({ agents: 1, origins: 2, trackers: 1, processes: [], overrides }))
  const pushed = imageFixture(seededRandom(11), [40_000])
  await pushImage(registryClient(shoal.url('proxy-1', 'registry')), 'team/app', pushed, ['1.0'])
  await writeFile(join(folder, 'docker'), standIn)
  await chmod(join(folder, 'docker'), 0o755)
})

afterEach(async () => {
  for (const id of stopped.splice(0)) await shoal.start(id)
})

afterAll(async () => stack[Symbol.asyncDispose]())

async function stop(id: string) {
  stopped.push(id)
  await shoal.stop(id)
}

/** It pulls as docker does; images of `elsewhere.test` come from the registry in the variable. */
const standIn = `#!${process.execPath}
const [verb, ...rest] = process.argv.slice(2)
const get = async (url) => {
  const answer = await fetch(url, { headers: { accept: '*/*' } })
  if (!answer.ok) { console.error(url + ' ' + answer.status); process.exit(1) }
  return answer
}
async function pull(reference) {
  const [, host, name, tag] = /^([^/]+)\\/(.+):([^:]+)$/.exec(reference)
  const base = 'http://' + (host === 'elsewhere.test' ? process.env.ELSEWHERE : host) + '/v2/' + name
  const manifest = await (await get(base + '/manifests/' + tag)).json()
  for (const { digest } of [manifest.config, ...manifest.layers]) await (await get(base + '/blobs/' + digest)).arrayBuffer()
}
if (verb === 'version') console.log('20.10')
else if (verb === 'info') console.log(JSON.stringify({ Mirrors: [] }))
else if (verb === 'pull') await pull(rest[0])
else process.exit(1)
`.replace('const [verb', 'const [verb')

interface Told {
  readonly id: string
  readonly outcome: string
  readonly text: string
  readonly advice?: string
}

/** Asks the doctor, with the config of the agent as its machine has it. */
async function doctor(more: object = {}, words: readonly string[] = []) {
  const { config } = shoal.plan.agent[0] ?? { config: {} }
  const [file, secrets] = [join(folder, 'agent.yaml'), join(folder, 'secrets.yaml')]
  await writeFile(file, JSON.stringify({ ...config, ...more }))
  await writeFile(secrets, JSON.stringify({ secrets: { node: secret, admin } }))
  await chmod(secrets, 0o600)
  return ask(['--config', file, ...('secrets' in more ? [] : ['--secrets', secrets]), ...words])
}

async function ask(words: readonly string[]) {
  const ELSEWHERE = new URL(shoal.url('proxy-1', 'registry')).host
  const host = recordingHost({ PATH: folder, ELSEWHERE, SHOAL_ADMIN_SECRET: admin })
  const exit = await run(['doctor', '--json', '--engine', 'docker', ...words], host)
  const { findings } = JSON.parse(host.said) as { findings: readonly Told[] }
  const of = (outcome: string) => findings.filter((each) => each.outcome === outcome)
  return { exit, findings, failed: of('fail'), of, step: (id: string) => findings.filter((each) => each.id === id) }
}

describe('a healthy machine', () => {
  test('has every step looked at in turn; nothing fails, and what cannot be done is said aloud', async () => {
    // Right after the start the agent may still leave out a member that was not there when it first asked.
    await eventually(async () => expect((await doctor()).step('ring').map(({ outcome }) => outcome)).toEqual(['ok']))
    const { exit, findings, failed, of } = await doctor()
    expect(failed).toEqual([])
    expect(exit).toBe(0)
    expect(findings.map(({ id }) => id)).toEqual(steps.map(({ id }) => id))
    expect(of('skipped').map(({ id }) => id)).toEqual([
      'sources',
      'names',
      'certificates',
      'nydus-config',
      'stargz-config',
    ])
    expect(of('warn').map(({ id }) => id)).toEqual(['peer-port'])
  })

  test('pulls a small image of the catalog, and the agent saw its manifest and its blobs', async () => {
    const { step } = await doctor()
    const host = new URL(shoal.url('agent-1', 'registry')).host
    expect(step('pull')).toEqual([
      { id: 'pull', outcome: 'ok', text: expect.stringContaining(`docker pulled ${host}/${image} in `) },
    ])
    expect(step('who-answered')).toEqual([
      { id: 'who-answered', outcome: 'ok', text: expect.stringMatching(/\d manifests and 2 blobs: from its cache/) },
    ])
  })

  test('is told to people in lines', async () => {
    const host = recordingHost({ PATH: folder })
    const exit = await run(['doctor', '--agent', 'http://127.0.0.1:9'], host)
    expect(exit).toBe(1)
    expect(host.said).toMatch(/^FAIL {4}agent-ready +nothing answers at .*\n +-> start it/)
    expect(host.said).toMatch(/\n\d+ failed$/)
  })
})

describe('the doctor finds that', () => {
  test('the config has a listener that the agent has not, and one that others may reach', async () => {
    const { registry } = (shoal.plan.agent[0]?.config ?? {}) as { registry?: object }
    const hub = { name: 'hub', bind: '127.0.0.1:9' }
    const answering = { name: 'same', bind: `0.0.0.0:${new URL(shoal.url('agent-1', 'admin')).port}` }
    const { exit, step } = await doctor({ registry: { ...registry, listeners: [hub, answering] } })
    expect(exit).toBe(1)
    expect(step('agent-registry').map(({ outcome }) => outcome)).toEqual(['ok', 'fail', 'fail'])
    expect(step('agent-registry')[1]?.text).toContain('http://127.0.0.1:9')
    expect(step('agent-registry')[2]?.advice).toContain('the listener same in registry.listeners')
    expect(step('own-address')).toEqual([
      {
        ...{ id: 'own-address', outcome: 'warn' },
        text: expect.stringContaining('0.0.0.0'),
        advice: expect.any(String),
      },
    ])
  })

  test('the agent is down', async () => {
    await stop('agent-1')
    const { exit, failed } = await doctor()
    expect(exit).toBe(1)
    expect(failed.map(({ id }) => id)).toEqual(['agent-ready', 'agent-registry', 'agent-admin', 'peer-port'])
    expect(failed.every(({ advice }) => advice !== undefined)).toBe(true)
  })

  test('a tracker is down', async () => {
    await stop('tracker-1')
    const { exit, step } = await doctor()
    expect(exit).toBe(1)
    expect(step('members')).toEqual([
      expect.objectContaining({
        outcome: 'fail',
        text: expect.stringMatching(/^tracker-1 of trackers .* nothing answers/),
      }),
    ])
  })

  test('the cluster refuses the secret of the agent', async () => {
    const { exit, failed } = await doctor({ secrets: { node: 'quite-another-secret' } })
    expect(exit).toBe(1)
    expect(failed.map(({ id, text }) => [id, text.split(' ')[0]])).toEqual(
      ['origin-1', 'origin-2', 'tracker-1', 'build-index-1', 'build-index-2'].map((id) => ['secrets', id]),
    )
  })

  test('the disk of the agent is full', async () => {
    const { exit, failed } = await doctor({ store: { minFree: '1000TB' } })
    expect(exit).toBe(1)
    expect(failed).toEqual([expect.objectContaining({ id: 'disk', text: expect.stringContaining('free on the disk') })])
  })

  test('the admin secret is wrong', async () => {
    const file = join(folder, 'wrong')
    await writeFile(file, 'not-that-of-the-admins')
    const { exit, step } = await doctor({}, ['--secret-file', file])
    expect(exit).toBe(1)
    expect(step('agent-admin')[0]).toMatchObject({
      outcome: 'fail',
      text: expect.stringContaining('refuses the admin'),
    })
    expect(step('ring')[0]).toMatchObject({ outcome: 'skipped' })
    expect(step('who-answered')[0]).toMatchObject({ outcome: 'fail' })
  })

  test('the admin secret goes to the admin listener of the agent alone', async () => {
    const seen: (string | undefined)[] = []
    await using listener = await listenOn((req, res) => {
      seen.push(req.headers.authorization)
      res.writeHead(404).end()
    })
    const trackers = { members: [{ id: 'tracker-1', url: listener.url }] }
    // Its own admin listener does not answer, so the rings are those of the config.
    await doctor({ trackers, secrets: {} }, ['--url', 'http://127.0.0.1:9', '--agent', listener.url])
    expect(seen.length).toBeGreaterThan(1)
    expect(seen.filter((shown) => shown !== undefined)).toEqual([])
  })

  test('the engine pulls, but not from the agent', async () => {
    const { exit, failed, step } = await doctor({}, ['--image', `elsewhere.test/${image}`])
    expect(exit).toBe(1)
    expect(step('pull')[0]?.outcome).toBe('ok')
    expect(failed.map(({ id, text }) => [id, text])).toEqual([
      ['who-answered', 'the agent saw nothing of that pull: the engine got the image elsewhere'],
    ])
  })

  test('the image does not exist', async () => {
    const host = new URL(shoal.url('agent-1', 'registry')).host
    const { exit, failed } = await doctor({}, ['--image', `${host}/team/none:1`])
    expect(exit).toBe(1)
    expect(failed.map(({ id }) => id)).toEqual(['pull', 'who-answered'])
  })

  test('the engine does not run, or is not known', async () => {
    await mkdir(join(folder, 'empty'), { recursive: true })
    const host = recordingHost({ PATH: join(folder, 'empty') })
    expect(await run(['doctor', '--engine', 'podman'], host)).toBe(1)
    expect(host.said).toMatch(/FAIL {4}engine {10}podman does not answer: podman: ENOENT/)
    expect(await run(['doctor', '--engine', 'rkt'], host)).toBe(2)
  })
})

interface Listening extends AsyncDisposable {
  readonly url: string
}

async function listenOn(handle: RequestListener): Promise<Listening> {
  const server = createServer(handle)
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
