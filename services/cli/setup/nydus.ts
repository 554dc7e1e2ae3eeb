import { isDeepStrictEqual } from 'node:util'
import { appError } from '../../../lib/base/index.ts'
import { readJsonObject } from './daemon-json.ts'
import type { Engine } from './engine.ts'
import type { MachineFiles } from './machine-files.ts'
import { plainUrl, refuseMount, type SetupRequest } from './request.ts'
import { isTable, readToml, tableAt } from './toml.ts'

const SNAPSHOTTER_CONFIG = '/etc/nydus/config.toml'
const USUAL_CONFIG = '/etc/nydus/nydusd-config.fusedev.json'

/** Seconds between two looks whether the agent answers. */
const CHECK_SECONDS = 5

type Settings = Readonly<Record<string, unknown>>

/** Where there is none yet; the snapshotter fills in the registry and the repository of each image. */
const newConfig: Settings = {
  device: {
    backend: { type: 'registry', config: { scheme: 'https', timeout: 10, connect_timeout: 10 } },
    cache: { type: 'blobcache', config: { work_dir: '/var/lib/nydus/cache' } },
  },
  mode: 'direct',
  digest_validate: false,
  enable_xattr: true,
  fs_prefetch: { enable: true, threads_count: 4, merging_size: 1_048_576, prefetch_all: true },
}

/** The keys that lead to the settings of the registry, in both forms of the config. */
const placeIn = (settings: Settings): readonly string[] =>
  settings['version'] === 2 ? ['backend', 'registry'] : ['device', 'backend', 'config']

/** The file that the snapshotter makes the config of each nydusd from. @throws CONFIG_INVALID */
export async function nydusdConfigPath(files: MachineFiles): Promise<string> {
  const text = await files.read(SNAPSHOTTER_CONFIG)
  const daemon = text === undefined ? undefined : tableAt(readToml(text, SNAPSHOTTER_CONFIG), ['daemon'])
  const path = daemon?.['nydusd_config']
  return typeof path === 'string' && path.startsWith('/') ? path : USUAL_CONFIG
}

/** The proxy of a config. @throws CONFIG_INVALID when it is no config of a registry */
export function nydusProxyIn(text: string, path: string): Settings | undefined {
  const settings = readJsonObject(text, path)
  const registry = tableAt(settings, placeIn(settings))
  const type = tableAt(settings, placeIn(settings).slice(0, -1))?.['type']
  if (registry === undefined || (type !== undefined && type !== 'registry'))
    throw appError('CONFIG_INVALID', { message: `${path}: its backend is no registry` })
  const { proxy } = registry
  return isTable(proxy) ? proxy : undefined
}

const proxyFor = ({ agent, fallback }: SetupRequest): Settings => ({
  url: plainUrl(agent),
  ping_url: `${plainUrl(agent)}/v2/`,
  fallback: fallback.kind === 'registry',
  check_interval: CHECK_SECONDS,
  use_http: true,
})

function withAt(settings: Settings, [key, ...rest]: readonly string[], value: unknown): Settings {
  if (key === undefined) return settings
  const inner = settings[key]
  return { ...settings, [key]: rest.length === 0 ? value : withAt(isTable(inner) ? inner : {}, rest, value) }
}

/** The text of the config with the agent as its proxy. @throws CONFIG_INVALID when it has another proxy */
export function withAgentAsProxy(before: string | undefined, path: string, request: SetupRequest): string {
  const settings = before === undefined ? newConfig : readJsonObject(before, path)
  const known = before === undefined ? undefined : nydusProxyIn(before, path)
  const proxy = proxyFor(request)
  const other = known?.['url']
  if (other !== undefined && other !== '' && other !== proxy['url'])
    throw appError('CONFIG_INVALID', { message: `${path}: it has another proxy already; remove that first` })
  const after = withAt(settings, [...placeIn(settings), 'proxy'], proxy)
  return before !== undefined && isDeepStrictEqual(after, settings) ? before : `${JSON.stringify(after, null, 2)}\n`
}

/** nydusd, by the template of its snapshotter: the agent is the proxy for all images. */
export const nydus: Engine = {
  name: 'nydus',
  what: 'the agent as the proxy of nydusd, in the template of its snapshotter',
  record: 'nydus',
  async plan(request, files) {
    refuseMount(request, 'nydusd')
    if (request.fallback.kind === 'url')
      throw appError('CONFIG_INVALID', { message: 'nydusd falls back to the registry itself; --fallback is yes or no' })
    const path = await nydusdConfigPath(files)
    const before = await files.read(path)
    const others = request.hosts.filter(({ own }) => !own).map(({ host }) => host)
    return {
      files: [{ path, before, after: withAgentAsProxy(before, path, request) }],
      notes: [
        'the proxy is asked for every image; what registry.upstreams of the agent does not fit is relayed to its registry',
        ...(others.length === 0 ? [] : [`registry.upstreams of the agent must fit ${others.join(', ')}`]),
      ],
    }
  },
  reload: () =>
    'the snapshotter reads it at its start: systemctl restart nydus-snapshotter (what is mounted keeps its config)',
}
