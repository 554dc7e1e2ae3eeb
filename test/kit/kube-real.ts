import { generateKeyPairSync } from 'node:crypto'
import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { buildResource } from './resource-stack.ts'
import { run } from './run.ts'
import { type StartedProcess, startProcess } from './start-process.ts'
import { tempFolder } from './temp-folder.ts'
import { testPorts } from './test-ports.ts'
import { testAuthority } from './tls-authority.ts'

/** The programs of a real API server. */
export interface KubeAssets {
  readonly etcd: string
  readonly apiserver: string
}

/** As kubebuilder finds them; undefined when there are none. */
export function kubeAssets(env: NodeJS.ProcessEnv = process.env): KubeAssets | undefined {
  const { KUBEBUILDER_ASSETS: folder, TEST_ASSET_ETCD: etcd, TEST_ASSET_KUBE_APISERVER: apiserver } = env
  const found = {
    etcd: etcd ?? join(folder ?? '', 'etcd'),
    apiserver: apiserver ?? join(folder ?? '', 'kube-apiserver'),
  }
  return existsSync(found.etcd) && existsSync(found.apiserver) ? found : undefined
}

/** A real kube-apiserver with its etcd, on this machine alone. */
export interface RealKube extends AsyncDisposable {
  readonly server: string
  /** PEM. */
  readonly authority: string
  /** Of the API server; etcd goes on. */
  kill(): Promise<void>
  start(): Promise<void>
  /** etcd forgets all changes until now, and the API server what it knows of them. */
  forget(): Promise<void>
}

export const realKube = ({ etcd, apiserver }: KubeAssets): Promise<RealKube> =>
  buildResource(async (stack) => {
    const { path } = stack.own(await tempFolder('kube'))
    const ports = (await testPorts(3)).take(0, { etcd: 0, peer: 0, api: 0 })
    const authority = testAuthority()
    const { certificate, key } = authority.issue({
      hosts: ['127.0.0.1', 'localhost', 'kubernetes', 'kubernetes.default'],
    })
    const accounts = generateKeyPairSync('rsa', {
      modulusLength: 2048,
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    })
    const file = async (name: string, text: string) => {
      await writeFile(join(path, name), text, { mode: 0o600 })
      return join(path, name)
    }
    const at = (port: number) => `http://127.0.0.1:${port}`
    const flags = [
      `--etcd-servers=${at(ports.etcd)}`,
      `--secure-port=${ports.api}`,
      '--bind-address=127.0.0.1',
      `--tls-cert-file=${await file('tls.crt', certificate)}`,
      `--tls-private-key-file=${await file('tls.key', key)}`,
      `--client-ca-file=${await file('ca.crt', authority.certificate)}`,
      `--token-auth-file=${await file('tokens', 'admin,admin,1,"system:masters"\npoor,nobody,2\n')}`,
      `--service-account-key-file=${await file('sa.pub', accounts.publicKey)}`,
      `--service-account-signing-key-file=${await file('sa.key', accounts.privateKey)}`,
      '--service-account-issuer=https://kubernetes.default.svc',
      '--service-cluster-ip-range=10.96.0.0/16',
      '--authorization-mode=RBAC',
      '--disable-admission-plugins=ServiceAccount',
    ]
    stack.own(
      await startProcess({
        command: etcd,
        args: [
          ...['--data-dir', join(path, 'etcd'), '--unsafe-no-fsync', '--name', 'one'],
          ...['--listen-client-urls', at(ports.etcd), '--advertise-client-urls', at(ports.etcd)],
          ...['--listen-peer-urls', at(ports.peer), '--initial-advertise-peer-urls', at(ports.peer)],
          ...['--initial-cluster', `one=${at(ports.peer)}`],
        ],
        ready: async () => {
          if (!(await fetch(`${at(ports.etcd)}/health`)).ok) throw new Error('etcd is not ready')
        },
      }),
    )
    const server = `https://127.0.0.1:${ports.api}`
    let process: StartedProcess<void> | undefined
    const start = async () => {
      process = await startProcess({
        command: apiserver,
        args: flags,
        readyTimeoutMs: 150_000,
        ready: async () => {
          const ca = join(path, 'ca.crt')
          const asked = ['-sf', '--cacert', ca, '-H', 'Authorization: Bearer admin', `${server}/readyz`]
          if ((await run('curl', asked)).stdout !== 'ok') throw new Error('the API server is not ready')
        },
      })
    }
    const kill = async () => {
      process?.kill('SIGKILL')
      await process?.exited
    }
    stack.own({ [Symbol.asyncDispose]: async () => process?.[Symbol.asyncDispose]() })
    await start()
    const etcdCall = async (call: string, body: object) =>
      (await fetch(`${at(ports.etcd)}/v3/kv/${call}`, { method: 'POST', body: JSON.stringify(body) })).json()
    return {
      ...{ server, authority: authority.certificate, kill, start },
      async forget() {
        const { header } = (await etcdCall('range', { key: 'AA==' })) as {
          readonly header: { readonly revision: string }
        }
        await kill()
        await etcdCall('compaction', { revision: header.revision, physical: true })
        await start()
      },
    }
  })
