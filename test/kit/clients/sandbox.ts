import { mkdir, statfs, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Environment, RunOptions, RunResult } from '../run.ts'
import { run } from '../run.ts'
import { tempFolder } from '../temp-folder.ts'
import { requireClients, searchPath } from './requirements.ts'

/** A folder and an environment that hide the machine's and the user's settings and logins from a client. */
export interface Sandbox extends AsyncDisposable {
  readonly path: string
  readonly env: Environment
  /**
   * Words to put before a command. The command then has its own mounts, which vanish with its last process, and sees
   * the sandbox's `/run` and `/var/lib`, because some programs keep state there whatever their flags say.
   */
  readonly ownMounts: readonly string[]
  /** Runs a command in this environment. */
  run(command: string, args: readonly string[], options?: Omit<RunOptions, 'env'>): Promise<RunResult>
}

/**
 * @param programs those that are to be installed, which do not mount or unpack; default all clients
 * @throws an error that says what to do when they are not
 */
export async function sandbox(name: string, programs?: readonly string[]): Promise<Sandbox> {
  requireClients(programs)
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

/** Whether overlay mounts work in `folder`; they do not when it is itself on an overlay, as in a container. */
export async function stacksOverlays(folder: string): Promise<boolean> {
  const overlayMagic = 0x794c7630
  return (await statfs(folder)).type !== overlayMagic
}

const bindHostFolders = 'mount --bind "$0/host-run" /run && mount --bind "$0/host-lib" /var/lib && exec "$@"'

/** Plain HTTP for this machine; containers/image has no such rule of its own, unlike docker. */
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

/** The ulimits are needed because root without CAP_SYS_RESOURCE cannot raise a limit. */
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
