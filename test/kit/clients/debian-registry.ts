import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { SelfSigned } from '../certificate.ts'
import { buildResource } from '../resource-stack.ts'
import type { S3Server } from '../s3-server/index.ts'
import { startProcess } from '../start-process.ts'
import type { TokenServer } from '../token-server.ts'
import { sandbox } from './sandbox.ts'

/** The CNCF distribution registry as packaged by Debian; our registry is compared with it. */
export interface DebianRegistry extends AsyncDisposable {
  /** `127.0.0.1:port`, as used in a reference. */
  readonly host: string
  /** `http://127.0.0.1:port`, or the same with https. */
  readonly url: string
  /** Files of uploads to a repository that were opened, but neither closed nor cancelled. */
  openUploads(repository: string): Promise<readonly string[]>
  /** Its log so far, which includes every request. */
  log(): string
  readonly pid: number
}

export interface DebianRegistryInit {
  /** Makes it a pull-through cache of the registry at this URL. */
  readonly proxyOf?: string
  /** Lines of an htpasswd file (bcrypt only), or the server that issues tokens. Default: no authentication. */
  readonly auth?: { readonly htpasswd: string } | { readonly tokens: TokenServer }
  /** Serves HTTPS. */
  readonly tls?: SelfSigned
  /** Stores everything in this bucket; default: in a folder of its own. */
  readonly bucket?: Pick<S3Server, 'endpoint' | 'bucket' | 'region' | 'keys'>
}

/** Starts an empty registry. */
export function startDebianRegistry(init: DebianRegistryInit = {}): Promise<DebianRegistry> {
  return buildResource(async (stack) => {
    const box = stack.own(await sandbox('registry', ['docker-registry']))
    const config = join(box.path, 'registry.yaml')
    await writeFile(
      config,
      settings(storage(box.path, init.bucket), await tlsLine(box.path, init.tls)) +
        (await authLines(box.path, init.auth)) +
        (init.proxyOf === undefined ? '' : `proxy: { remoteurl: ${init.proxyOf} }\n`),
    )
    const scheme = init.tls === undefined ? 'http' : 'https'
    const process = stack.own(
      await startProcess({
        command: 'docker-registry',
        args: ['serve', config],
        env: box.env,
        async ready({ stdout, stderr }, signal) {
          const host = /listening on (127\.0\.0\.1:\d+)/.exec(stdout + stderr)?.[1]
          if (host === undefined) throw new Error('it does not listen')
          if (scheme === 'https') return host
          const answer = await fetch(`http://${host}/v2/`, { signal })
          await answer.body?.cancel()
          const expected = init.auth === undefined ? 200 : 401
          if (answer.status !== expected) throw new Error(`/v2/ answers ${answer.status}`)
          return host
        },
      }),
    )
    const log = () => {
      const { stdout, stderr } = process.output()
      return stdout + stderr
    }
    const openUploads = async (repository: string) => {
      const uploads = join(box.path, 'blobs/docker/registry/v2/repositories', repository, '_uploads')
      // After a cancelled upload with a wrong digest the registry leaves hash states, but no bytes.
      const files = await readdir(uploads, { recursive: true }).catch(() => [])
      return files.filter((file) => /^[^/]+\/data$/.test(file))
    }
    return { host: process.ready, openUploads, url: `${scheme}://${process.ready}`, log, pid: process.pid }
  })
}

const settings = (driver: string, tls: string) => `
version: 0.1
log: { level: info }
storage:
  ${driver}
  delete: { enabled: true }
  redirect: { disable: true }
http: { addr: 127.0.0.1:0${tls} }
`

function storage(folder: string, target: DebianRegistryInit['bucket']): string {
  if (target === undefined) return `filesystem: { rootdirectory: ${folder}/blobs }`
  const { endpoint, bucket, region, keys } = target
  const place = `regionendpoint: "${endpoint}", region: ${region}, bucket: ${bucket}, forcepathstyle: true, secure: false`
  return `s3: { ${place}, accesskey: "${keys.accessKeyId}", secretkey: "${keys.secretAccessKey}", v4auth: true }`
}

async function tlsLine(folder: string, tls: SelfSigned | undefined): Promise<string> {
  if (tls === undefined) return ''
  const [certificate, key] = [join(folder, 'registry.pem'), join(folder, 'registry-key.pem')]
  await writeFile(certificate, tls.certificate)
  await writeFile(key, tls.key)
  return `, tls: { certificate: ${certificate}, key: ${key} }`
}

async function authLines(folder: string, auth: DebianRegistryInit['auth']): Promise<string> {
  if (auth === undefined) return ''
  if ('htpasswd' in auth) {
    const file = join(folder, 'htpasswd')
    await writeFile(file, auth.htpasswd)
    return `auth: { htpasswd: { realm: test, path: ${file} } }\n`
  }
  const { realm, service, issuer, certificate } = auth.tokens
  const roots = join(folder, 'roots.pem')
  await writeFile(roots, certificate)
  return `auth: { token: { realm: "${realm}", service: "${service}", issuer: "${issuer}", rootcertbundle: ${roots} } }\n`
}
