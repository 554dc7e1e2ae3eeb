import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { buildResource } from '../resource-stack.ts'
import type { Environment, RunResult } from '../run.ts'
import { startProcess } from '../start-process.ts'
import { sandbox, stacksOverlays } from './sandbox.ts'

export interface PulledImage {
  readonly reference: string
  readonly mediaType: string
  readonly digest: string
}

export interface PullOptions {
  /** The folder that `hostsToml` wrote to. */
  readonly hostsDir?: string
  /** Uses HTTP for the host of the reference. */
  readonly plainHttp?: boolean
  /** `NAME:PASSWORD`, for whichever host asks. */
  readonly user?: string
  readonly allPlatforms?: boolean
  readonly signal?: AbortSignal
}

/** A containerd of the test's own, driven with its `ctr`. */
export interface Containerd extends AsyncDisposable {
  /** Path of its socket. */
  readonly address: string
  /** Process id of the daemon; its mounts are visible only in its mount namespace. */
  readonly pid: number
  /** With it, other programs reach this daemon. */
  readonly env: Environment
  ctr(args: readonly string[], options?: { readonly signal?: AbortSignal }): Promise<RunResult>
  /** Pulls and unpacks; returns the image. */
  pull(reference: string, options?: PullOptions): Promise<PulledImage>
  images(): Promise<PulledImage[]>
  /** Digests in its content store. */
  contentDigests(): Promise<string[]>
  /** Removes an image; returns after the content that no other image uses is removed too. */
  removeImage(reference: string): Promise<void>
  /** Runs the image's command without a network and returns its output. */
  run(reference: string): Promise<string>
}

export interface ContainerdInit {
  /** Further tables of its config; default none. */
  readonly more?: string
  /** Default: overlays, where they work. */
  readonly snapshotter?: string
  /** It has a loopback of its own, where every port is free, and so have containers with the network of their host. */
  readonly ownNetwork?: boolean
}

/** Starts containerd in its own folder, without the Kubernetes plugin. */
export function startContainerd({ more = '', ...init }: ContainerdInit = {}): Promise<Containerd> {
  return buildResource(async (stack) => {
    const box = stack.own(await sandbox('containerd'))
    const path = (name: string) => join(box.path, name)
    const address = path('c.sock')
    await writeFile(path('config.toml'), config(box.path) + more)
    const ctr: Containerd['ctr'] = (args, options = {}) => box.run('ctr', ['--address', address, ...args], options)
    const [command = '', ...before] = [...box.ownMounts, ...(init.ownNetwork === true ? ownNetwork : [])]
    const { pid } = stack.own(
      await startProcess({
        command,
        args: [...before, 'containerd', '--config', path('config.toml'), '--address', address],
        env: box.env,
        // The client itself waits ten seconds for an answer, but fails at once while the socket does not exist.
        ready: (_output, signal) =>
          box.run('ctr', ['--address', address, '--connect-timeout', '1s', 'version'], { signal }),
      }),
    )
    const snapshotter = init.snapshotter ?? ((await stacksOverlays(box.path)) ? 'overlayfs' : 'native')
    return {
      address,
      pid,
      env: { ...box.env, CONTAINERD_ADDRESS: address },
      ctr,
      ...imageCommands(ctr, snapshotter),
      ...runCommand(ctr, snapshotter, box.path),
    }
  })
}

const ownNetwork = ['unshare', '--net', 'sh', '-c', 'busybox ip link set lo up && exec "$@"', 'sh']

type Ctr = Containerd['ctr']

function imageCommands(
  ctr: Ctr,
  snapshotter: string,
): Pick<Containerd, 'pull' | 'images' | 'contentDigests' | 'removeImage'> {
  const images = async () => parseImages((await ctr(['images', 'ls'])).stdout)
  return {
    images,
    async pull(reference, options = {}) {
      const flags = [
        ...(options.hostsDir === undefined ? [] : ['--hosts-dir', options.hostsDir]),
        ...(options.plainHttp === true ? ['--plain-http'] : []),
        ...(options.user === undefined ? [] : ['--user', options.user]),
        ...(options.allPlatforms === true ? ['--all-platforms'] : []),
      ]
      const { signal } = options
      await ctr(['images', 'pull', '--snapshotter', snapshotter, ...flags, reference], signal ? { signal } : {})
      const pulled = (await images()).find((image) => image.reference === reference)
      if (pulled === undefined) throw new Error(`ctr pulled ${reference} but does not list it`)
      return pulled
    },
    async contentDigests() {
      return (await ctr(['content', 'ls', '--quiet'])).stdout.split('\n').filter((line) => line !== '')
    },
    async removeImage(reference) {
      await ctr(['images', 'rm', '--sync', reference])
    },
  }
}

function runCommand(ctr: Ctr, snapshotter: string, folder: string): Pick<Containerd, 'run'> {
  let containers = 0
  return {
    async run(reference) {
      containers += 1
      const flags = ['--rm', '--snapshotter', snapshotter, '--fifo-dir', join(folder, 'fifo')]
      return (await ctr(['run', ...flags, reference, `container-${containers}`])).stdout
    },
  }
}

/** Parses the table of `ctr images ls`: REF TYPE DIGEST SIZE PLATFORMS LABELS. */
function parseImages(table: string): PulledImage[] {
  const [, ...rows] = table.trim().split('\n')
  return rows.map((row) => {
    const [reference = '', mediaType = '', digest = ''] = row.split(/\s+/)
    return { reference, mediaType, digest }
  })
}

const config = (folder: string) => `
version = 2
root = "${folder}/root"
state = "${folder}/state"
disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.internal.v1.opt"]
[grpc]
address = "${folder}/c.sock"
`

interface HostInit {
  readonly url: string
  readonly capabilities?: readonly string[]
  /** The URL has the whole path of the API: containerd puts no `/v2` behind it. */
  readonly overridePath?: boolean
}

export interface HostsInit {
  /** The host in the references that the file applies to, such as `registry.example` or `127.0.0.1:5000`. */
  readonly host: string
  /** URL tried last; default: the host itself with https. */
  readonly server?: string
  /** URLs tried in this order; containerd adds `?ns=<host>` when the URL's host differs from `host`. */
  readonly hosts?: readonly HostInit[]
}

/**
 * Writes the `hosts.toml` of one host below a folder for `PullOptions.hostsDir`; the folder may serve several hosts.
 */
export async function hostsToml(folder: string, init: HostsInit): Promise<void> {
  const lines = init.server === undefined ? [] : [`server = ${JSON.stringify(init.server)}`]
  for (const { url, capabilities = ['pull', 'resolve'], overridePath = false } of init.hosts ?? []) {
    lines.push(`[host.${JSON.stringify(url)}]`, `capabilities = ${JSON.stringify(capabilities)}`)
    if (overridePath) lines.push('override_path = true')
  }
  await mkdir(join(folder, init.host), { recursive: true })
  await writeFile(join(folder, init.host, 'hosts.toml'), `${lines.join('\n')}\n`)
}
