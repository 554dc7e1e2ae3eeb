import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { buildResource } from '../resource-stack.ts'
import type { Environment, RunResult } from '../run.ts'
import { startProcess } from '../start-process.ts'
import type { Containerd } from './containerd.ts'
import { type Sandbox, sandbox } from './sandbox.ts'

export interface DockerdInit {
  /** The containerd that runs the containers of this engine. */
  readonly containerd: Pick<Containerd, 'address' | 'pid'>
  /** Its daemon.json, to which a line is added; default: one of its own. */
  readonly configFile?: string
}

/** A Docker engine of the test's own. It uses HTTP for every registry on 127.0.0.0/8. */
export interface Dockerd extends AsyncDisposable {
  /** Process id of the daemon. */
  readonly pid: number
  /** With it, other programs reach this daemon. */
  readonly env: Environment
  /** Runs the docker command against this engine. */
  docker(args: readonly string[], options?: { readonly signal?: AbortSignal }): Promise<RunResult>
  /** Returns the digest of the pulled manifest. */
  pull(reference: string): Promise<string>
  /** Returns the digest of the pushed manifest. */
  push(reference: string): Promise<string>
  tag(source: string, target: string): Promise<void>
  /** Builds an image `FROM scratch` with these files and this command. */
  build(reference: string, image: BuiltImage): Promise<void>
  /** Runs the image's command without a network and returns its output. */
  run(reference: string): Promise<string>
  /** Removes every image, so that the next pull transfers every layer. */
  removeImages(): Promise<void>
}

export interface BuiltImage {
  /** Content by file name; the files are in the root of the image. */
  readonly files: Readonly<Record<string, string | Uint8Array>>
  readonly cmd: readonly string[]
}

/** Starts dockerd in its own folder, without a bridge and firewall rules. */
export function startDockerd({ containerd, configFile }: DockerdInit): Promise<Dockerd> {
  return buildResource(async (stack) => {
    const box = stack.own(await sandbox('dockerd'))
    const host = `unix://${join(box.path, 'd.sock')}`
    const config = configFile ?? join(box.path, 'daemon.json')
    await writeOwnKeyPath(config, join(box.path, 'key.json'))
    const docker: Dockerd['docker'] = (args, options = {}) => box.run('docker', ['--host', host, ...args], options)
    const { pid } = stack.own(
      await startProcess({
        // The containers, which containerd runs, must see the layers that dockerd mounts, and the registries that it calls.
        command: 'nsenter',
        args: [
          '--mount',
          '--net',
          '--target',
          String(containerd.pid),
          'dockerd',
          ...daemonFlags(box.path, { host, containerd: containerd.address, config }),
        ],
        env: box.env,
        ready: (_output, signal) => docker(['version', '--format', '{{.Server.Version}}'], { signal }),
      }),
    )
    return {
      pid,
      env: { ...box.env, DOCKER_HOST: host },
      docker,
      ...transferCommands(docker),
      ...imageCommands(docker, box),
    }
  })
}

/** Without this key dockerd writes its identity to /etc/docker; there is no flag for it. */
async function writeOwnKeyPath(config: string, path: string): Promise<void> {
  const text = await readFile(config, 'utf8').catch(() => '{}')
  await writeFile(config, JSON.stringify({ ...(JSON.parse(text) as object), 'deprecated-key-path': path }, null, 2))
}

interface DaemonFlags {
  readonly host: string
  readonly containerd: string
  readonly config: string
}

function daemonFlags(folder: string, { host, containerd, config }: DaemonFlags): string[] {
  const path = (name: string) => join(folder, name)
  return [
    ['--host', host],
    ['--containerd', containerd],
    ['--config-file', config],
    ['--data-root', path('root')],
    ['--exec-root', path('exec')],
    ['--pidfile', path('docker.pid')],
    ['--bridge=none', '--iptables=false', '--ip6tables=false', '--ip-forward=false'],
  ].flat()
}

type Docker = Dockerd['docker']

function transferCommands(docker: Docker): Pick<Dockerd, 'pull' | 'push'> {
  return {
    async pull(reference) {
      return digestIn((await docker(['pull', reference])).stdout)
    },
    async push(reference) {
      return digestIn((await docker(['push', reference])).stdout)
    },
  }
}

function imageCommands(docker: Docker, box: Sandbox): Pick<Dockerd, 'tag' | 'build' | 'run' | 'removeImages'> {
  let contexts = 0
  return {
    async tag(source, target) {
      await docker(['tag', source, target])
    },
    async build(reference, { files, cmd }) {
      contexts += 1
      const context = join(box.path, `context-${contexts}`)
      await mkdir(context)
      const names = Object.keys(files)
      for (const name of names) await writeFile(join(context, name), files[name] ?? '', { mode: 0o755 })
      const steps = ['FROM scratch', ...names.map((name) => `COPY ${name} /${name}`), `CMD ${JSON.stringify(cmd)}`]
      await writeFile(join(context, 'Dockerfile'), steps.join('\n'))
      await docker(['build', '--tag', reference, context])
    },
    async run(reference) {
      return (await docker(['run', '--rm', '--network', 'none', reference])).stdout
    },
    async removeImages() {
      const ids = (await docker(['images', '--quiet', '--no-trunc'])).stdout.split('\n').filter(Boolean)
      if (ids.length > 0) await docker(['rmi', '--force', ...new Set(ids)])
    },
  }
}

/** Finds the digest in `Digest: sha256:…` after a pull, or in `tag: digest: sha256:… size: …` after a push. */
function digestIn(output: string): string {
  const digest = /digest: (sha256:[0-9a-f]{64})/i.exec(output)?.[1]
  if (digest === undefined) throw new Error(`docker named no digest:\n${output}`)
  return digest
}
