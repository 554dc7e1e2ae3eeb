import { appError } from '../../../lib/base/index.ts'
import type { Engine } from './engine.ts'
import { refuseMount, type SetupRequest } from './request.ts'
import { endedText, isTable, lineEndOf, readToml, sameToml, type TomlTable, tableAt, tomlText } from './toml.ts'

export const STARGZ_CONFIG = '/etc/containerd-stargz-grpc/config.toml'

/** The mirrors of a host, as its config says. @throws CONFIG_INVALID */
function mirrorsOf(table: TomlTable, host: string): readonly TomlTable[] {
  const mirrors = tableAt(table, ['resolver', 'host', host])?.['mirrors']
  return Array.isArray(mirrors) ? mirrors.filter(isTable) : []
}

/** By default agents take it for the name of a registry, as `registry.upstreamHeaders` says. */
const HEADER = 'X-Dragonfly-Registry'

/** Whether requests to the mirror say which registry they mean. Those of stargz up to 0.18 at least say it nowhere else. */
const saysRegistry = (mirror: TomlTable) => tableAt(mirror, ['header'])?.[HEADER] !== undefined

/** A host whose layers are read from the agent first, and whether the agent is told that they are of that host. */
interface ReadHost {
  readonly host: string
  readonly isSaid: boolean
}

/** Hosts whose layers are read from the agent first, by its host and port. @throws CONFIG_INVALID */
export function stargzHosts(text: string, agent: URL): readonly ReadHost[] {
  const table = readToml(text, STARGZ_CONFIG)
  const hosts = Object.keys(tableAt(table, ['resolver', 'host']) ?? {})
  return hosts.flatMap((host) => {
    const [first] = mirrorsOf(table, host)
    return first?.['host'] === agent.host ? [{ host, isSaid: saysRegistry(first) }] : []
  })
}

/** The text of the config with the agent as the first mirror of a host. @throws CONFIG_INVALID */
export function withAgentAsMirror(before: string, host: string, agent: URL): string {
  const table = readToml(before, STARGZ_CONFIG)
  const known = mirrorsOf(table, host)
  if (known[0]?.['host'] === agent.host && saysRegistry(known[0])) return before
  const plain = { host: agent.host, ...(agent.protocol === 'http:' && { insecure: true }) }
  const url = `https://${host}`
  const mirror = { ...plain, header: { [HEADER]: url } }
  const lines = [
    `[[resolver.host.${tomlText(host)}.mirrors]]`,
    ...Object.entries(plain).map(([key, value]) => `  ${key} = ${JSON.stringify(value)}`),
    `  header = { ${HEADER} = ${tomlText(url)} }`,
  ]
  const end = lineEndOf(before)
  const after = endedText(before) + (before.trim() === '' ? '' : end) + lines.map((line) => line + end).join('')
  const resolver = tableAt(table, ['resolver']) ?? {}
  const hosts = tableAt(resolver, ['host']) ?? {}
  const own = tableAt(hosts, [host]) ?? {}
  const wanted = {
    ...table,
    resolver: { ...resolver, host: { ...hosts, [host]: { ...own, mirrors: [mirror, ...known] } } },
  }
  if (isWanted(after, wanted)) return after
  throw appError('CONFIG_INVALID', {
    message: `${STARGZ_CONFIG}: ${host} has mirrors already; write ${lines.join(' ')} by hand, as the first of them`,
  })
}

function isWanted(text: string, wanted: object): boolean {
  try {
    return sameToml(readToml(text, STARGZ_CONFIG), wanted)
  } catch {
    return false
  }
}

/** @throws CONFIG_INVALID */
function checkRequest(request: SetupRequest): void {
  refuseMount(request, 'stargz')
  const refuse = (message: string) => appError('CONFIG_INVALID', { message })
  if (request.all) throw refuse('stargz has no mirror of all registries; name each with --own or --registry')
  if (request.fallback.kind !== 'registry')
    throw refuse('stargz always asks the registry itself in the end; --fallback cannot change that')
}

/** The snapshotter of stargz: mirrors of the layers that it reads on demand. */
export const stargz: Engine = {
  name: 'stargz',
  what: 'mirrors of the layers that the snapshotter reads on demand',
  record: 'stargz',
  async plan(request, files) {
    checkRequest(request)
    const before = await files.read(STARGZ_CONFIG)
    let after = before ?? '# Written by shoal setup.\n'
    for (const { host } of request.hosts) after = withAgentAsMirror(after, host, request.agent)
    return {
      files: [{ path: STARGZ_CONFIG, before, after }],
      notes: ['manifests and configs are fetched by containerd: run shoal setup containerd for the same hosts'],
    }
  },
  reload: () => 'the snapshotter reads it at its start: systemctl restart stargz-snapshotter',
}
