import { resources } from '../../kubernetes/index.ts'
import { controlPlanes } from '../resource/control-plane.ts'
import { claimOn, FINALIZER, OWNER_UID, RELEASED } from '../rules/marks.ts'
import { seeNamespace } from './claim-namespace.ts'
import type { AccountTurn } from './context.ts'
import type { OwnedObjects } from './owned-objects.ts'

/** What is running and what costs; volumes, secrets and policies stay with the data. */
const RUNNING = [resources.statefulSets, resources.services, resources.disruptionBudgets]
const PAGE = 500

/**
 * One step of the removal of an account; the text says what it waits for, and undefined that the resource may go. Of a
 * namespace that is not ours, nothing is touched.
 */
export async function removalStep(turn: AccountTurn, owned: OwnedObjects): Promise<string | undefined> {
  const { plane, place, writes, signal } = turn
  const namespace = await seeNamespace(turn)
  const claim = namespace === undefined ? 'foreign' : claimOn(namespace, plane)
  if (namespace === undefined || claim === 'foreign' || claim === 'adopt' || claim === 'released') return undefined
  const { uid, resourceVersion } = namespace.metadata
  if (claim === 'ending') return plane.deletesData ? `the namespace ${place.namespace} is being deleted` : undefined
  if (plane.deletesData) {
    await writes.remove(resources.namespaces, { name: place.namespace }, { uid, signal })
    return `the namespace ${place.namespace} is being deleted with its volumes`
  }
  const running = owned
    .of(plane.uid)
    .filter(({ resource, metadata }) => RUNNING.includes(resource) && metadata.namespace === place.namespace)
  for (const { resource, metadata } of running)
    await writes.remove(resource, metadata, { uid: metadata.uid, dependents: 'Background', signal })
  const pods = await turn.reads.page(resources.pods, { namespace: place.namespace, limit: PAGE }, { signal })
  const left = pods.objects.filter(({ metadata }) => metadata.labels?.[OWNER_UID] === plane.uid).length
  if (left > 0 || running.length > 0) return `${left} pods are ending`
  // Whoever makes a resource of this name in this place again gets the data back.
  const patch = { metadata: { resourceVersion, labels: { [RELEASED]: 'true', [OWNER_UID]: null } } }
  await writes.merge(resources.namespaces, { name: place.namespace }, patch, { signal })
  return undefined
}

/** Keeps the resource from being forgotten before its removal; or lets it go. */
export async function setFinalizer({ plane, writes, signal }: AccountTurn, isKept: boolean): Promise<void> {
  const { name, namespace, resourceVersion } = plane
  const others = plane.finalizers.filter((finalizer) => finalizer !== FINALIZER)
  if (plane.finalizers.includes(FINALIZER) === isKept) return
  const finalizers = isKept ? [...others, FINALIZER] : others
  await writes.merge(controlPlanes, { name, namespace }, { metadata: { resourceVersion, finalizers } }, { signal })
}
