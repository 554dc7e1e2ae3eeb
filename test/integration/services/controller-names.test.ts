import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { adminClient, controllerAdmin } from '../../../lib/api/index.ts'
import { systemClock } from '../../../lib/base/index.ts'
import { loadConfig } from '../../../lib/config/index.ts'
import { httpClient } from '../../../lib/http/index.ts'
import { silentLogger } from '../../../lib/telemetry/index.ts'
import { controllerSchema, controllerService } from '../../../services/controller/index.ts'
import { resources } from '../../../services/controller/kubernetes/index.ts'
import { eventually } from '../../kit/eventually.ts'
import { writeKubeconfig } from '../../kit/kube-lab.ts'
import { kubeServer } from '../../kit/kube-server/kube-server.ts'
import { listening } from '../../kit/listening.ts'
import { buildResource, type ResourceStack } from '../../kit/resource-stack.ts'
import { tempFolder } from '../../kit/temp-folder.ts'

const BASE = 'c1.p2p.test'
const LABELS = { 'app.kubernetes.io/component': 'agent' }

/** Answers as a registry where a cache would, to whoever calls it by the name. */
async function dataPort(stack: ResourceStack, address: string, port = 0): Promise<number> {
  const server = createServer((req, res) => {
    res.writeHead(req.url === '/v2/' && req.headers.host === BASE ? 200 : 421).end()
  })
  return stack.own(await listening(server, { address, port })).port
}

const pod = (name: string, address: string, isReady: boolean, annotations = {}) => ({
  metadata: { name, namespace: 'default', labels: LABELS, annotations },
  spec: { nodeName: 'n1' },
  status: { podIP: address, conditions: [{ type: 'Ready', status: isReady ? 'True' : 'False' }] },
})

const lab = () =>
  buildResource(async (stack) => {
    const server = stack.own(await kubeServer())
    const { path } = stack.own(await tempFolder('controller-names'))
    const [kubeconfig, file] = [join(path, 'kubeconfig'), join(path, 'hosts')]
    await writeKubeconfig(kubeconfig, { server: server.url, user: { token: 'admin' } })
    const port = await dataPort(stack, '127.0.0.11')
    await dataPort(stack, '127.0.0.12', port)
    const node = { metadata: { name: 'n1', labels: { 'topology.kubernetes.io/zone': 'zone-a' } } }
    server.state.put(resources.nodes, node)
    const overrides = [
      'ops.bind=127.0.0.1:auto',
      'admin.bind=127.0.0.1:auto',
      `kubernetes=${JSON.stringify({ access: 'kubeconfig', kubeconfig })}`,
      'roles=[names]',
      `names=${JSON.stringify({ base: BASE, settle: '0', port, zone: { driver: 'hosts', file } })}`,
    ]
    const controller = controllerService({ logger: silentLogger() }, await loadConfig(controllerSchema, { overrides }))
    const http = httpClient({ clock: systemClock() })
    await http.start()
    stack.own({ [Symbol.asyncDispose]: () => http.stop() })
    const start = async () => {
      await controller.start()
      stack.own({ [Symbol.asyncDispose]: () => controller.stop() })
      return adminClient(http, controller.adminUrl, controllerAdmin)
    }
    const named = async (name: string) =>
      (await readFile(file, 'utf8').catch(() => ''))
        .split('\n')
        .flatMap((line) => (line.split(' ')[1] === name ? [line.split(' ')[0]] : []))
        .sort()
    return { server, start, named }
  })

test('a controller names the caches that are ready and answer it, says why others are left out, and drops who is drained', async () => {
  await using it = await lab()
  it.server.state.put(resources.pods, pod('one', '127.0.0.11', true))
  it.server.state.put(resources.pods, pod('two', '127.0.0.12', true))
  it.server.state.put(resources.pods, pod('silent', '127.0.0.13', true))
  it.server.state.put(resources.pods, pod('late', '127.0.0.14', false))
  const admin = await it.start()
  await eventually(async () => {
    expect(await it.named(BASE)).toEqual(['127.0.0.11', '127.0.0.12'])
    expect(await it.named(`zone-a.${BASE}`)).toEqual(['127.0.0.11', '127.0.0.12'])
  })
  const { caches, power } = await admin.names({})
  expect(power).toBe('leader')
  expect(Object.fromEntries(caches.map((cache) => [cache.pod, cache.why]))).toEqual({
    'default/one': undefined,
    'default/two': undefined,
    'default/silent': 'probe',
    'default/late': 'readiness',
  })
  it.server.state.put(resources.pods, pod('two', '127.0.0.12', true, { 'shoal/drain': 'true' }))
  await eventually(async () => expect(await it.named(BASE)).toEqual(['127.0.0.11']))
  const events = () => it.server.state.all(resources.events).map((event) => event['reason'])
  await eventually(() => expect(events()).toEqual(expect.arrayContaining(['CacheNamed', 'CacheLeft'])))
})
