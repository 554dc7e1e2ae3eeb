import { type DragonflyCluster, managedClusterName } from '../../../lib/api/index.ts'
import { appError } from '../../../lib/base/index.ts'

const refuse = (message: string) => appError('BODY_INVALID', { message })

/** What a cluster is to be. What is left out stays. */
export interface ReadCluster {
  readonly name?: string | undefined
  readonly description?: string | undefined
  readonly isDefault: boolean
  readonly scopes?: {
    readonly cidrs: readonly string[]
    readonly zones: readonly string[]
    readonly hosts: readonly string[]
  }
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Whether a list of what is blocked names anything, at whatever depth. */
function blocks(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0
  return isRecord(value) && Object.values(value).some(blocks)
}

function scopesOf({ scopes }: DragonflyCluster): Pick<ReadCluster, 'scopes'> {
  if (scopes == null) return {}
  const { idc, location, cidrs, hostnames } = scopes
  if (location) throw refuse('scopes.location: there is none here; name zones in scopes.idc')
  const zones = (idc ?? '').split('|').filter(Boolean)
  return { scopes: { zones, cidrs: cidrs ?? [], hosts: hostnames ?? [] } }
}

/**
 * A cluster in Dragonfly's shape. Its limits change nothing here, as this system has its own settings; a block-list is refused,
 * since whoever sets one relies on it. @throws BODY_INVALID
 */
export function readDragonflyCluster(body: DragonflyCluster): ReadCluster {
  for (const key of ['peer_cluster_config', 'seed_peer_cluster_config'] as const) {
    if (blocks(body[key]?.['block_list']))
      throw refuse(`${key}.block_list: set pulls.blocks and withhold in the settings of the manager instead`)
  }
  const name = body.name || undefined
  if (name !== undefined && !managedClusterName.safeParse(name).success)
    throw refuse('name: a name has lower-case letters, digits and "-", and is not like an id')
  return { name, description: body.bio || undefined, isDefault: body.is_default === true, ...scopesOf(body) }
}
