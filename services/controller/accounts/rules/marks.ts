import { digestHex, digestOf } from '../../../../lib/core/index.ts'
import type { ControlPlane } from '../resource/control-plane.ts'

/** Who applies fields: what it applied before and applies no longer goes. */
export const MANAGER = 'shoal-controller'
export const MANAGED_BY = 'app.kubernetes.io/managed-by'
/** Label of everything that is made for an account: the uid of its resource, which nobody chooses. */
export const OWNER_UID = 'shoal.dev/owner-uid'
/** Annotation of a namespace: `namespace/name` of the resource that it is for. */
export const OWNER = 'shoal.dev/owner'
/** Label of a namespace whose resource was deleted and whose data was kept. */
export const RELEASED = 'shoal.dev/released'
const ACCOUNT = 'shoal.dev/account'
export const COMPONENT = 'app.kubernetes.io/component'
export const FINALIZER = 'shoal.dev/control-plane'

/** What selects all objects that this controller makes. */
export const OURS = `${MANAGED_BY}=${MANAGER}`

const MAX_NAMESPACE = 63
/** 40 bits: names are told apart by their own text first. */
const HASH_LENGTH = 10

const shortHash = (text: string): string => digestHex(digestOf(Buffer.from(text))).slice(0, HASH_LENGTH)

/**
 * The namespace of an account. It depends on the place of the resource and on nothing that the resource says, so that no
 * resource names the namespace of another one. At most 63 characters of RFC 1123.
 */
export function namespaceOf(prefix: string, { namespace, name }: Pick<ControlPlane, 'namespace' | 'name'>): string {
  const hash = shortHash(`${namespace}/${name}`)
  const room = MAX_NAMESPACE - prefix.length - hash.length - 2
  const readable = name
    .replace(/[^a-z0-9-]/g, '-')
    .slice(0, room)
    .replace(/-+$/, '')
  return `${prefix}-${readable}-${hash}`
}

/** Labels of everything that belongs to an account. */
export const labelsOf = ({ name, uid }: Pick<ControlPlane, 'name' | 'uid'>): Readonly<Record<string, string>> => ({
  [MANAGED_BY]: MANAGER,
  'app.kubernetes.io/part-of': 'shoal',
  [ACCOUNT]: name,
  [OWNER_UID]: uid,
})

/** What becomes of a namespace that is there already. */
export type Claim = 'ours' | 'adopt' | 'released' | 'ending' | 'foreign'

/**
 * Whose a namespace is that has the name of ours. `released`: it looks like one whose data was kept, and whoever may create
 * namespaces can make one that looks so; `adopt`: the resource names this very one.
 */
export function claimOn(
  { metadata }: { readonly metadata: { readonly [field: string]: unknown } },
  plane: Pick<ControlPlane, 'namespace' | 'name' | 'uid' | 'adopts'>,
): Claim {
  const labels = (metadata['labels'] ?? {}) as Readonly<Record<string, string>>
  const annotations = (metadata['annotations'] ?? {}) as Readonly<Record<string, string>>
  const isManaged = labels[MANAGED_BY] === MANAGER && annotations[OWNER] === `${plane.namespace}/${plane.name}`
  if (!isManaged) return 'foreign'
  if (labels[OWNER_UID] !== plane.uid && labels[RELEASED] !== 'true') return 'foreign'
  if (metadata['deletionTimestamp'] !== undefined) return 'ending'
  if (labels[OWNER_UID] === plane.uid) return 'ours'
  return plane.adopts !== undefined && plane.adopts === metadata['uid'] ? 'adopt' : 'released'
}
