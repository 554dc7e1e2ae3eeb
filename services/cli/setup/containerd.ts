import { basename, dirname, isAbsolute, join } from 'node:path'
import { appError } from '../../../lib/base/index.ts'
import { type ConfigFile, hostsFolder } from './containerd-config.ts'
import type { Engine, PlannedFile } from './engine.ts'
import { type HostsTomlInit, newHostsToml, withAgentFirst } from './hosts-toml.ts'
import type { MachineFiles } from './machine-files.ts'
import { plainUrl, type SetupRequest } from './request.ts'
import { readToml } from './toml.ts'

export const CONTAINERD_CONFIG = '/etc/containerd/config.toml'

/** Files of one config; more must be an error in it. */
const MAX_FILES = 100

const nameRule = (glob: string) =>
  new RegExp(
    `^${glob
      .replace(/[.+^${}()|\\]/g, '\\$&')
      .replaceAll('*', '[^/]*')
      .replaceAll('?', '[^/]')}$`,
  )

/** The files that `imports` of a file name, in the order in which containerd reads them. @throws CONFIG_INVALID */
async function importsOf({ path, text }: ConfigFile, files: MachineFiles): Promise<readonly string[]> {
  const { imports } = readToml(text, path)
  const found: string[] = []
  for (const glob of Array.isArray(imports) ? imports.map(String) : []) {
    const place = isAbsolute(glob) ? glob : join(dirname(path), glob)
    const folder = dirname(place)
    if (/[*?[]/.test(folder)) {
      throw appError('CONFIG_INVALID', { message: `${path}: shoal does not follow the import ${glob}` })
    }
    const rule = nameRule(basename(place))
    for (const name of await files.names(folder)) if (rule.test(name)) found.push(join(folder, name))
  }
  return found
}

/** The main file and all that it imports, in the order in which containerd reads them. @throws CONFIG_INVALID */
export async function containerdConfig(main: string, files: MachineFiles): Promise<readonly ConfigFile[]> {
  const read: ConfigFile[] = []
  const waiting = [main]
  for (let path = waiting.shift(); path !== undefined; path = waiting.shift()) {
    const text = read.some((file) => file.path === path) ? undefined : await files.read(path)
    if (text === undefined) continue
    if (read.length === MAX_FILES) throw appError('CONFIG_INVALID', { message: `${main}: it imports too many files` })
    read.push({ path, text })
    waiting.push(...(await importsOf({ path, text }, files)))
  }
  return read
}

/** The folder that containerd reads for a host: that with underscores comes before that with a colon. */
async function folderOf(host: string, folder: string, files: MachineFiles): Promise<string> {
  const [name = '', port] = host.split(/:(?=\d+$)/)
  const underscored = port === undefined ? host : `${name}_${port}_`
  const isThere = underscored !== host && (await files.names(folder)).includes(underscored)
  return join(folder, isThere ? underscored : host)
}

/** Without a server containerd asks the registry itself in the end, and finds out how it is reached. */
function changeFor({ agent, fallback }: SetupRequest): HostsTomlInit {
  if (fallback.kind === 'registry') return { agent: plainUrl(agent) }
  return { agent: plainUrl(agent), server: plainUrl(fallback.kind === 'url' ? fallback.url : agent) }
}

/** @throws CONFIG_INVALID */
async function hostsFile(request: SetupRequest, folder: string, files: MachineFiles): Promise<PlannedFile> {
  const path = join(folder, 'hosts.toml')
  const before = await files.read(path)
  const change = changeFor(request)
  if (before !== undefined) return { path, before, after: withAgentFirst(before, path, change) }
  const certificates = (await files.names(folder)).filter((name) => /\.(crt|cert|key)$/.test(name))
  if (certificates.length > 0) {
    throw appError('CONFIG_INVALID', {
      message: `${folder} holds ${certificates.join(', ')}, which containerd ignores beside a hosts.toml; write that file by hand, with ca and client`,
    })
  }
  return { path, before, after: newHostsToml(change) }
}

/** Registries with a file of their own, for which `_default` says nothing. */
async function namedHosts(folder: string, files: MachineFiles): Promise<readonly string[]> {
  const named: string[] = []
  for (const name of await files.names(folder)) {
    if (name !== '_default' && (await files.names(join(folder, name))).length > 0) named.push(name)
  }
  return named
}

const OFF =
  "containerd's own pulls, for Kubernetes, are off in its config; nerdctl and docker read the folder, and ctr with --hosts-dir"

/** containerd, also as the engine of Kubernetes. */
export const containerd: Engine = {
  name: 'containerd',
  what: 'hosts.toml for each registry, or for all of them',
  record: 'containerd',
  async plan(request, files) {
    const config = await containerdConfig(CONTAINERD_CONFIG, files)
    const { folder, edit, isOff } = hostsFolder(CONTAINERD_CONFIG, config)
    const folders = request.all ? [join(folder, '_default')] : []
    for (const { host } of request.hosts) folders.push(await folderOf(host, folder, files))
    const planned: PlannedFile[] = []
    for (const each of folders) planned.push(await hostsFile(request, each, files))
    const named = request.all
      ? (await namedHosts(folder, files)).filter((name) => !folders.includes(join(folder, name)))
      : []
    const before = config.find(({ path }) => path === edit?.path)?.text
    return {
      files: [...(edit === undefined ? [] : [{ path: edit.path, before, after: edit.text }]), ...planned],
      notes: [
        ...(isOff === true ? [OFF] : []),
        ...(named.length === 0
          ? []
          : [`these have a folder of their own, which comes before _default: ${named.join(', ')}`]),
      ],
    }
  },
  reload(paths) {
    const config = paths.find((path) => !path.endsWith('/hosts.toml'))
    if (config === undefined) return 'containerd reads hosts.toml at each pull; nothing need be restarted'
    return `containerd reads ${config} only at its start: systemctl restart containerd (containers go on)`
  },
}
