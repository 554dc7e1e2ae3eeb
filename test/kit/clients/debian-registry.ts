import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { buildResource } from '../resource-stack.ts'
import { startProcess } from '../start-process.ts'
import { sandbox } from './sandbox.ts'

/** The CNCF distribution registry, as Debian packages it; what ours is compared with. */
export interface DebianRegistry extends AsyncDisposable {
  /** `127.0.0.1:port`, as it stands in a reference. */
  readonly host: string
  /** `http://127.0.0.1:port`. */
  readonly url: string
  /** What it has logged, every request among it. */
  log(): string
}

export interface DebianRegistryInit {
  /** Makes it a pull-through cache of the registry at this URL. */
  readonly proxyOf?: string
}

/** Starts an empty registry. */
export function startDebianRegistry(init: DebianRegistryInit = {}): Promise<DebianRegistry> {
  return buildResource(async (stack) => {
    const box = stack.own(await sandbox('registry'))
    const config = join(box.path, 'registry.yaml')
    await writeFile(
      config,
      settings(box.path) + (init.proxyOf === undefined ? '' : `proxy: { remoteurl: ${init.proxyOf} }\n`),
    )
    const process = stack.own(
      await startProcess({
        command: 'docker-registry',
        args: ['serve', config],
        env: box.env,
        async ready({ stdout, stderr }, signal) {
          const host = /listening on (127\.0\.0\.1:\d+)/.exec(stdout + stderr)?.[1]
          if (host === undefined) throw new Error('it does not listen')
          const answer = await fetch(`http://${host}/v2/`, { signal })
          await answer.body?.cancel()
          if (answer.status !== 200) throw new Error(`/v2/ answers ${answer.status}`)
          return host
        },
      }),
    )
    const log = () => {
      const { stdout, stderr } = process.output()
      return stdout + stderr
    }
    return { host: process.ready, url: `http://${process.ready}`, log }
  })
}

const settings = (folder: string) => `
version: 0.1
log: { level: info }
storage:
  filesystem: { rootdirectory: ${folder}/blobs }
  delete: { enabled: true }
http: { addr: 127.0.0.1:0 }
`
