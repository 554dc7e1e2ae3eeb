import { mkdir, statfs, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Environment, RunOptions, RunResult } from '../run.ts'
import { run } from '../run.ts'
import { tempFolder } from '../temp-folder.ts'
import { requireClients, searchPath } from './requirements.ts'

/** A folder and an environment in which a client finds none of the machine's, or the user's, settings and logins. */
export interface Sandbox extends AsyncDisposable {
  readonly path: string
  readonly env: Environment
  /**
   * Words to put before a command: it then has mounts of its own, which go when its last process goes, and finds a
   * `/run` and a `/var/lib` of the sandbox, where some programs keep state whatever one tells them.
   */
  readonly ownMounts: readonly string[]
  /** Runs a command in that environment. */
  run(command: string, args: readonly string[], options?: Omit<RunOptions, 'env'>): Promise<RunResult>
}

/** @throws when the clients are not installed, saying what to do. */
export async function sandbox(name: string): Promise<Sandbox> {
  requireClients()
  const folder = await tempFolder(name)
  const path = (...parts: string[]) => join(folder.path, ...parts)
  for (const part of ['home', 'docker', 'run', 'tmp', 'data', 'config', 'host-run', 'host-lib']) {
    await mkdir(path(part), { mode: 0o700 })
  }
  const env = {
    PATH: searchPath,
    LANG: 'C.UTF-8',
    HOME: path('home'),
    DOCKER_CONFIG: path('docker'),
    DOCKER_BUILDKIT: '0',
    XDG_RUNTIME_DIR: path('run'),
    XDG_DATA_HOME: path('data'),
    XDG_CONFIG_HOME: path('config'),
    TMPDIR: path('tmp'),
    CONTAINERS_REGISTRIES_CONF: path('config', 'registries.conf'),
    CONTAINERS_STORAGE_CONF: path('config', 'storage.conf'),
    CONTAINERS_CONF: path('config', 'containers.conf'),
  }
  await writeFile(env.CONTAINERS_REGISTRIES_CONF, registries)
  await writeFile(env.CONTAINERS_STORAGE_CONF, storage(folder.path, await stacksOverlays(folder.path)))
  await writeFile(env.CONTAINERS_CONF, containers(folder.path))
  await writeFile(path('docker', 'config.json'), '{"auths":{}}')
  await writeFile(path('config', 'policy.json'), JSON.stringify({ default: [{ type: 'insecureAcceptAnything' }] }))
  return {
    path: folder.path,
    env,
    ownMounts: ['unshare', '--mount', 'sh', '-c', bindHostFolders, folder.path],
    run: (command, args, options = {}) => run(command, args, { ...options, env }),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  }
}

/** Whether overlay mounts work in `folder`: not when it is on one itself, as in a container. */
export async function stacksOverlays(folder: string): Promise<boolean> {
  const overlayMagic = 0x794c7630
  return (await statfs(folder)).type !== overlayMagic
}

const bindHostFolders = 'mount --bind "$0/host-run" /run && mount --bind "$0/host-lib" /var/lib && exec "$@"'

/** Plain HTTP for everything on this machine; containers/image, unlike docker, has no such rule of its own. */
const registries = `
unqualified-search-registries = []
[[registry]]
location = "127.0.0.1"
insecure = true
`

const storage = (folder: string, overlay: boolean) => `
[storage]
driver = "${overlay ? 'overlay' : 'vfs'}"
graphroot = "${folder}/storage"
runroot = "${folder}/run/storage"
`

/** Root without CAP_SYS_RESOURCE cannot raise a limit, hence the ulimits. */
const containers = (folder: string) => `
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
netns = "none"
[network]
network_config_dir = "${folder}/networks"
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
lock_type = "file"
runtime = "runc"
tmp_dir = "${folder}/run/libpod"
static_dir = "${folder}/storage/libpod"
volume_path = "${folder}/storage/volumes"
`
