import { join } from 'node:path'
import { CONTAINERD_CONFIG } from '../setup/containerd.ts'
import { USUAL_HOSTS_FOLDER } from '../setup/containerd-config.ts'
import { readToml, tableAt } from '../setup/toml.ts'
import { type EffectiveConfig, type EngineProbe, type ProbeInit, PULL_MS } from './engine-probe.ts'

/** Of its own, so that nothing of the machine's images is touched. */
const NAMESPACE = 'shoal-doctor'
const PLUGINS = ['io.containerd.cri.v1.images', 'io.containerd.grpc.v1.cri']

/** Whether a host of a hosts.toml is the agent, or one of its mount points. */
const isAgent = (host: string | undefined, agent: string) => host === agent || host?.startsWith(`${agent}/`) === true

/** The hosts below a folder whose hosts.toml names the agent first. */
async function mirroredIn(folder: string, { files, agent }: ProbeInit): Promise<readonly string[]> {
  const hosts: string[] = []
  for (const name of await files.names(folder)) {
    const path = join(folder, name, 'hosts.toml')
    const text = await files.read(path)
    const first = text === undefined ? undefined : Object.keys(tableAt(readToml(text, path), ['host']) ?? {})[0]
    if (isAgent(first, agent)) hosts.push(name.replace(/_(\d+)_$/, ':$1'))
  }
  return hosts
}

/** The folder that a config names, or what is wrong with it. */
function folderIn(dump: string): { readonly folder: string } | { readonly trouble: string } {
  const table = readToml(dump, 'containerd config dump')
  const folders = PLUGINS.map((plugin) => tableAt(table, ['plugins', plugin, 'registry'])?.['config_path'])
    .filter((path) => typeof path === 'string')
    .join(':')
  const list = folders.split(':').filter(Boolean)
  if (list.length > 1)
    return {
      trouble: `config_path names two folders (${folders}); containerd 2 then reads no hosts.toml at all`,
    }
  const [folder] = list
  return folder === undefined ? { trouble: 'its config_path is empty: Kubernetes pulls past hosts.toml' } : { folder }
}

/** The config as containerd reads it, with all that it imports; text: why it cannot be had. */
async function dumped({ run, files }: ProbeInit): Promise<ReturnType<typeof folderIn> | string> {
  const isThere = (await files.bytes(CONTAINERD_CONFIG)) !== undefined
  const words = isThere ? ['--config', files.folder(CONTAINERD_CONFIG), 'config', 'dump'] : ['config', 'default']
  const { exitCode, stdout, complaint } = await run(['containerd', ...words])
  if (exitCode === 0) return folderIn(stdout)
  if (exitCode === undefined) return `containerd does not tell its config: ${complaint}`
  return { trouble: `it does not read its config: ${complaint}` }
}

async function effective(init: ProbeInit): Promise<EffectiveConfig | string> {
  const found = await dumped(init)
  if (typeof found === 'string') return found
  if ('folder' in found) return { mirrored: await mirroredIn(found.folder, init) }
  return { mirrored: await mirroredIn(USUAL_HOSTS_FOLDER, init), trouble: found.trouble }
}

/** containerd, asked with its own client. */
export const containerdProbe = (init: ProbeInit): EngineProbe => {
  const ctr = (...words: readonly string[]) =>
    init.run(['ctr', '--namespace', NAMESPACE, '--connect-timeout', '2s', ...words], { timeoutMs: PULL_MS })
  const forget = async (image: string) => {
    await ctr('images', 'rm', '--sync', image)
    await ctr('namespaces', 'rm', NAMESPACE)
  }
  return {
    name: 'containerd',
    pullsByAddress: false,
    async running() {
      const { exitCode, complaint } = await init.run(['ctr', '--connect-timeout', '2s', 'version'])
      return exitCode === 0 ? true : complaint
    },
    effective: () => effective(init),
    async pull(image) {
      const found = await dumped(init)
      if (typeof found === 'string') return found
      const folder = init.files.folder('folder' in found ? found.folder : USUAL_HOSTS_FOLDER)
      const { exitCode, complaint } = await ctr('content', 'fetch', '--hosts-dir', folder, image)
      await forget(image)
      return exitCode === 0 ? undefined : complaint
    },
  }
}
