import { join } from 'node:path'
import { appError } from '../../../lib/base/index.ts'
import { isLoopback } from '../../../lib/identity/index.ts'
import type { Engine, Plan } from './engine.ts'
import type { MachineFiles } from './machine-files.ts'
import { checkOtherRegistries, type MirroredRegistry, readRegistriesConf, registriesConf } from './registries-conf.ts'
import { type Fallback, type MirroredHost, refuseMount, type SetupRequest } from './request.ts'

const FOLDER = '/etc/containers'
const DROP_IN = `${FOLDER}/registries.conf.d/50-shoal.conf`

const placeOf = (url: URL, path = '') => ({ location: url.host + path, insecure: url.protocol === 'http:' })

/** These clients do not say which registry they mean: for one that is not ours the path does. */
const agentPlace = (agent: URL, { host, own }: MirroredHost) => placeOf(agent, own ? '' : `/${host}`)

/** A registry on this machine may speak plain HTTP, as for docker and containerd. */
const registryPlace = (host: string, fallback: Fallback) =>
  fallback.kind === 'url'
    ? placeOf(fallback.url)
    : { location: host, insecure: isLoopback(new URL(`http://${host}`).hostname) }

/** @throws CONFIG_INVALID for a registry that these clients cannot be told to ask elsewhere for */
function entryOf({ agent, fallback }: SetupRequest, mirrored: MirroredHost): MirroredRegistry {
  const { host: prefix, own } = mirrored
  if (!own && prefix.includes(':')) {
    throw appError('CONFIG_INVALID', {
      message: `${prefix}: podman and CRI-O accept no port in the path of a mirror, and then pull nothing at all from there; only registries on the usual port can be mirrored`,
    })
  }
  const mirror = agentPlace(agent, mirrored)
  if (fallback.kind === 'nobody') return { prefix, registry: mirror }
  return { prefix, registry: registryPlace(prefix, fallback), mirror }
}

/** @throws CONFIG_INVALID */
async function checkOthers(prefixes: readonly string[], files: MachineFiles): Promise<void> {
  const dropIns = (await files.names(`${FOLDER}/registries.conf.d`)).filter((name) => name.endsWith('.conf'))
  const paths = dropIns.map((name) => join(`${FOLDER}/registries.conf.d`, name)).filter((path) => path !== DROP_IN)
  for (const path of [`${FOLDER}/registries.conf`, ...paths]) {
    checkOtherRegistries((await files.read(path)) ?? '', path, prefixes)
  }
}

function notesOf({ agent, hosts }: SetupRequest): readonly string[] {
  const isLocal = isLoopback(agent.hostname)
  if (!hosts.some(({ own }) => own))
    return [
      'these clients do not say which registry they mean: the agent needs registry.default: none, as it has by default',
    ]
  return [
    isLocal
      ? 'these clients do not say which registry they mean: the agent needs registry.default: own'
      : `these clients do not say which registry they mean: the agent needs ${agent.hostname} in registry.ownHosts`,
  ]
}

/**
 * An agent that takes whoever names no registry for a client of its own does so for images of other registries as well:
 * then whoever may push here replaces them. So one address of the agent stands for one of both.
 * @throws CONFIG_INVALID
 */
function checkAddresses(entries: readonly MirroredRegistry[]): void {
  const asked = entries.map(({ registry, mirror }) => (mirror ?? registry).location)
  const own = asked.filter((location) => !location.includes('/'))
  const mixed = asked.find((location) => location.includes('/') && own.includes(location.split('/')[0] ?? ''))
  if (mixed === undefined) return
  throw appError('CONFIG_INVALID', {
    message: `${mixed}: the same address of the agent cannot serve own names and other registries, since these clients do not say which they mean; give own names an address of registry.ownHosts by --agent`,
  })
}

async function plan(request: SetupRequest, files: MachineFiles): Promise<Plan> {
  refuseMount(request, 'registries.conf')
  if (request.all) {
    throw appError('CONFIG_INVALID', {
      message: 'registries.conf has no entry for every registry; name each with --registry HOST',
    })
  }
  const entries = request.hosts.map((host) => entryOf(request, host))
  const prefixes = entries.map(({ prefix }) => prefix)
  await checkOthers(prefixes, files)
  const before = await files.read(DROP_IN)
  const kept = before === undefined ? [] : readRegistriesConf(before, DROP_IN)
  const replaced = kept.map((entry) => entries.find(({ prefix }) => prefix === entry.prefix) ?? entry)
  const added = entries.filter(({ prefix }) => !kept.some((entry) => entry.prefix === prefix))
  checkAddresses([...replaced, ...added])
  const after = registriesConf([...replaced, ...added])
  return { files: [{ path: DROP_IN, before, after }], notes: notesOf(request) }
}

/** podman, and with it buildah and skopeo. */
export const podman: Engine = {
  name: 'podman',
  what: 'a mirror for each registry in registries.conf.d; buildah and skopeo read it too',
  record: 'containers',
  plan,
  reload: () => 'podman reads the file at each pull; nothing need be restarted',
}

/** CRI-O reads the files of podman. */
export const crio: Engine = {
  name: 'crio',
  what: 'the same file, for CRI-O',
  record: 'containers',
  plan,
  reload: () => 'CRI-O reads the file again on: systemctl reload crio',
}
