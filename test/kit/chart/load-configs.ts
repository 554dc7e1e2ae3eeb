import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { loadConfig } from '../../../lib/config/index.ts'
import { type CommonConfig, type ServiceKind, serviceFacts, serviceKinds } from '../../../lib/service/index.ts'
import { assertSafeListeners } from '../../../lib/service/listeners.ts'
import { doors } from '../../../services/herd/index.ts'
import { tempFolder } from '../temp-folder.ts'
import type { Manifest } from './helm.ts'
import { expanded, type MadePod, podsOf } from './pods.ts'

/** A service of a pod, with the config that it would start with. */
export interface LoadedService {
  readonly of: string
  readonly kind: ServiceKind
  readonly config: CommonConfig
}

const dataOf = (all: readonly Manifest[], kind: string, name: string): Readonly<Record<string, string>> | undefined => {
  const found = all.find((one) => one.kind === kind && one.metadata.name === name)
  return (found?.['data'] ?? found?.['stringData']) as Readonly<Record<string, string>> | undefined
}

/** What a user whose Secrets the chart does not make would have written into them. */
export const ourSecrets = (kind: ServiceKind): string => {
  const { accepts, shows, proves } = serviceFacts(kind).secrets
  const names = new Set([...accepts, shows, ...(proves === undefined ? [] : [proves])])
  return JSON.stringify({ secrets: Object.fromEntries([...names].map((name) => [name, `our-own-secret-${name}`])) })
}

/**
 * Loads the config of each service in the pods as the service itself does at its start: from the files that are mounted, and
 * the environment.
 * @throws what the service says at its start
 */
export async function loadServices(all: readonly Manifest[]): Promise<readonly LoadedService[]> {
  await using folder = await tempFolder('configs')
  const loaded: LoadedService[] = []
  for (const pod of podsOf(all)) {
    const service = await loadOne(pod, all, join(folder.path, String(loaded.length)))
    if (service !== undefined) loaded.push(service)
  }
  return loaded
}

type Volume = { readonly configMap?: { readonly name: string }; readonly secret?: { readonly secretName: string } }

async function loadOne(pod: MadePod, all: readonly Manifest[], folder: string): Promise<LoadedService | undefined> {
  const [container] = pod.spec.containers
  const kind = serviceKinds.find((each) => serviceFacts(each).name === container?.args?.[0])
  if (container === undefined || kind === undefined) return undefined
  await mkdir(folder)
  const volume = (name: string) => (pod.spec.volumes ?? []).find((one) => one.name === name) as Volume | undefined
  const written = async (path: string, text: string | undefined) => {
    if (text === undefined) throw new Error(`${pod.of} mounts what nobody makes: ${path}`)
    await writeFile(join(folder, path), text)
    await chmod(join(folder, path), 0o440)
    return join(folder, path)
  }
  const config = dataOf(all, 'ConfigMap', volume('config')?.configMap?.name ?? '')
  const secretName = volume('secrets')?.secret?.secretName ?? ''
  const secrets = secretName.startsWith('our-')
    ? { 'secrets.yaml': ourSecrets(kind) }
    : dataOf(all, 'Secret', secretName)
  const env = expanded(container, () => 'pod-0')
  const sources = {
    file: await written('config.yaml', config?.['config.yaml']),
    secretsFile: await written('secrets.yaml', secrets?.['secrets.yaml']),
    env,
  }
  const loaded: CommonConfig = await loadConfig(doors[kind].schema, sources)
  assertSafeListeners(kind, loaded)
  return { of: pod.of, kind, config: loaded }
}
