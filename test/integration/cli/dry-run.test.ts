import { readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { run } from '../../../services/cli/run.ts'
import { resources } from '../../../services/controller/kubernetes/index.ts'
import { writeKubeconfig } from '../../kit/kube-lab.ts'
import { kubeServer } from '../../kit/kube-server/kube-server.ts'
import { listening } from '../../kit/listening.ts'
import { recordingHost } from '../../kit/recording-host.ts'
import { buildResource } from '../../kit/resource-stack.ts'
import { tempFolder } from '../../kit/temp-folder.ts'
import { updateServer } from '../../kit/update-server/update-server.ts'

const BASE = 'c1.p2p.test'
const RECORDS = `10.9.9.9 ${BASE}\n127.0.0.12 ${BASE} # shoal:shoal\n127.0.0.19 ${BASE} # shoal:shoal\n`

const pod = (name: string, address: string, ready = true) => ({
  metadata: { name, namespace: 'default', labels: { 'app.kubernetes.io/component': 'agent' } },
  spec: { nodeName: 'n1' },
  status: { podIP: address, conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }] },
})

/** Two caches that answer, one that does not, one that is not ready; records of one of them, of one that is gone, and of a stranger. */
const lab = () =>
  buildResource(async (stack) => {
    const server = stack.own(await kubeServer())
    const { path } = stack.own(await tempFolder('dry-run'))
    const [kubeconfig, file] = [join(path, 'kubeconfig'), join(path, 'hosts')]
    await writeKubeconfig(kubeconfig, { server: server.url, user: { token: 'admin' } })
    await writeFile(file, RECORDS)
    const cache = () => createServer((_, res) => res.writeHead(401).end())
    const { port } = stack.own(await listening(cache(), { address: '127.0.0.11' }))
    stack.own(await listening(cache(), { address: '127.0.0.12', port }))
    server.state.put(resources.nodes, { metadata: { name: 'n1' } })
    const pods = [pod('one', '127.0.0.11'), pod('two', '127.0.0.12'), pod('silent', '127.0.0.13')]
    for (const each of [...pods, pod('late', '127.0.0.14', false)]) server.state.put(resources.pods, each)
    const names = { base: BASE, port, zone: { driver: 'hosts', file } }
    const sets = [
      `kubernetes=${JSON.stringify({ access: 'kubeconfig', kubeconfig })}`,
      ...['roles=[names]', `names=${JSON.stringify(names)}`],
    ]
    const dryRun = async (...flags: readonly string[]) => {
      const host = recordingHost()
      const words = sets.flatMap((set) => ['--set', set])
      const exitCode = await run(['controller', '--dry-run', ...words, ...flags], host)
      return { exitCode, said: host.said, complained: host.complained }
    }
    return { stack, path, port, server, file, dryRun }
  })

describe('shoal controller --dry-run', () => {
  test('says which records it would put and remove, and why each cache has none, and writes nothing', async () => {
    await using it = await lab()
    const before = it.server.state.all(resources.leases)
    const { exitCode, said, complained } = await it.dryRun()
    expect({ exitCode, complained }).toEqual({ exitCode: 0, complained: '' })
    expect(said).toMatch(/leader +nobody/)
    expect(said).toMatch(/next +1 to put, 1 to remove; nothing was written/)
    const lines = said.split('\n').map((line) => line.trim().replace(/\s+/g, ' '))
    expect(lines).toEqual(
      expect.arrayContaining([
        `${BASE} 10.9.9.9 not ours`,
        `${BASE} 127.0.0.11 put`,
        `${BASE} 127.0.0.12 keep`,
        `${BASE} 127.0.0.19 remove`,
        'default/one 127.0.0.11 - n1',
        'default/silent 127.0.0.13 - n1 probe',
        'default/late 127.0.0.14 - n1 readiness',
      ]),
    )
    expect(await readFile(it.file, 'utf8')).toBe(RECORDS)
    expect(new Set(it.server.asked.map(({ verb }) => verb))).toEqual(new Set(['get', 'list']))
    expect(it.server.state.all(resources.leases)).toEqual(before)
  })

  test('says it in JSON, and who leads', async () => {
    await using it = await lab()
    it.server.state.put(resources.leases, {
      metadata: { name: 'shoal-controller', namespace: 'default' },
      spec: { holderIdentity: 'controller-7' },
    })
    const { exitCode, said } = await it.dryRun('--json')
    expect(exitCode).toBe(0)
    expect(JSON.parse(said)).toMatchObject({
      leader: 'controller-7',
      names: { next: { put: [{ address: '127.0.0.11' }], remove: [{ address: '127.0.0.19' }] } },
    })
  })

  test('asks a name server with the key of its file', async () => {
    await using it = await lab()
    const secret = Buffer.from('a secret of thirty-two bytes, ok')
    const key = { name: 'shoal', algorithm: 'hmac-sha256', secret } as const
    const dns = it.stack.own(await updateServer('p2p.test', key))
    const credentials = join(it.path, 'key')
    const text = `key "shoal" { algorithm hmac-sha256; secret "${secret.toString('base64')}"; };`
    await writeFile(credentials, text, { mode: 0o600 })
    const zone = { driver: 'rfc2136', server: `127.0.0.1:${dns.port}`, name: 'p2p.test', credentials }
    const { exitCode, said } = await it.dryRun('--set', `names=${JSON.stringify({ base: BASE, port: it.port, zone })}`)
    expect(exitCode).toBe(0)
    expect(said).toMatch(/next +2 to put, 0 to remove; nothing was written/)
    expect(dns.updates).toBe(0)
  })

  test('fails when the cluster cannot be read, and without the role', async () => {
    await using it = await lab()
    it.server.allows = ({ verb }) => verb !== 'list'
    const refused = await it.dryRun()
    expect(refused).toMatchObject({ exitCode: 1, said: '' })
    expect(refused.complained).toMatch(/KUBE_FORBIDDEN/)
    const { exitCode, complained } = await it.dryRun('--set', 'roles=[]')
    expect(exitCode).toBe(1)
    expect(complained).toMatch(/ROLE_OFF/)
  })
})
