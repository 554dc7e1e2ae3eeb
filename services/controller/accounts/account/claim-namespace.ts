import { hasCode } from '../../../../lib/base/index.ts'
import { type KubeObject, resources } from '../../kubernetes/index.ts'
import { ADOPT, controlPlanes } from '../resource/control-plane.ts'
import { claimOn, labelsOf, OWNER, RELEASED } from '../rules/marks.ts'
import { blocked } from '../rules/trouble.ts'
import type { AccountTurn } from './context.ts'

/** Pods that ask for more than the image needs are refused. */
const POD_SECURITY = { 'pod-security.kubernetes.io/enforce': 'restricted' }

/** The namespace of the account when it is there; undefined: there is none. */
export async function seeNamespace({ reads, place, signal }: AccountTurn): Promise<KubeObject | undefined> {
  try {
    return await reads.get(resources.namespaces, { name: place.namespace }, { signal })
  } catch (err) {
    if (hasCode(err, 'KUBE_NOT_FOUND')) return undefined
    throw err
  }
}

/**
 * Makes the namespace, or sees that it is ours. One that is there without our mark is somebody else's, and stays as it is.
 * @throws ACCOUNT_BLOCKED
 */
export async function claimNamespace(turn: AccountTurn): Promise<void> {
  const { plane, place, writes, signal } = turn
  const metadata = {
    name: place.namespace,
    labels: { ...labelsOf(plane), ...POD_SECURITY },
    annotations: { [OWNER]: `${plane.namespace}/${plane.name}` },
  }
  const found = await seeNamespace(turn)
  if (found === undefined) {
    // Of two that make it, one gets it; the other one sees whose it is in its next look.
    await writes.create(resources.namespaces, { metadata }, { signal })
    return
  }
  const claim = claimOn(found, plane)
  if (claim === 'foreign')
    throw blocked('NamespaceForeign', `the namespace ${place.namespace} exists already, and is not of this account`)
  if (claim === 'released')
    throw blocked(
      'NamespaceForeign',
      `the namespace ${place.namespace} exists already, and may be one whose data was kept, or one that somebody made to ` +
        `look so; to take it back, look at what is in it, and give this resource the annotation ${ADOPT}: ${found.metadata.uid ?? ''}`,
    )
  if (claim === 'ending') throw blocked('NamespaceEnding', `the namespace ${place.namespace} is still being deleted`)
  const labels = found.metadata.labels ?? {}
  const isSo = Object.entries(metadata.labels).every(([name, value]) => labels[name] === value)
  if (isSo && labels[RELEASED] === undefined) return
  if (claim === 'adopt') await confirm(turn)
  const { resourceVersion } = found.metadata
  const patch = { metadata: { resourceVersion, labels: { ...metadata.labels, [RELEASED]: null } } }
  await writes.merge(resources.namespaces, { name: place.namespace }, patch, { signal })
}

/** Changes nothing, and fails when the resource is not the one that is known here: a dead one takes nothing back. */
async function confirm({ plane, writes, signal }: AccountTurn): Promise<void> {
  const { name, namespace, uid, resourceVersion, adopts } = plane
  const metadata = { uid, resourceVersion, annotations: { [ADOPT]: adopts } }
  await writes.merge(controlPlanes, { name, namespace }, { metadata }, { signal })
}
