import { join } from 'node:path'
import { appError } from '../../../lib/base/index.ts'
import { isLoopback } from '../../../lib/identity/index.ts'
import type { Engine, Plan } from './engine.ts'
import type { MachineFiles } from './machine-files.ts'
import { checkOtherRegistries, type MirroredRegistry, readRegistriesConf, registriesConf } from './registries-conf.ts'
import type { Fallback, MirroredHost, SetupRequest } from './request.ts'

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

async function plan(request: SetupRequest, files: MachineFiles): Promise<Plan> {
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
  const after = registriesConf([...replaced, ...added])
  return { files: [{ path: DROP_IN, before, after }], notes: [] }
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
