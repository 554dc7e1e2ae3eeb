import { appError, hasCode } from '../../../../lib/base/index.ts'
import { digestOf } from '../../../../lib/core/index.ts'
import { type KubeObject, type Resource, resources } from '../../kubernetes/index.ts'
import { MANAGER } from '../rules/marks.ts'
import type { Desired } from '../rules/objects.ts'
import type { AccountTurn } from './context.ts'
import type { OwnedObjects } from './owned-objects.ts'

/** Brings objects into a namespace, and takes out what is no longer wanted; it remembers what it has done. */
export interface Applier {
  /** All of them are applied: also those that look as they were left. */
  forget(): void
  /** In their order. `written` counts those that were sent. @throws what writes throw */
  apply(turn: AccountTurn, desired: readonly Desired[]): Promise<{ readonly written: number }>
}

interface Applied {
  readonly digest: string
  readonly version: string | undefined
}

const keyOf = ({ group, plural }: Resource, { name }: KubeObject['metadata']): string => `${group}/${plural}/${name}`

/** Kinds that are never pruned: they hold data, or are made once. */
const KEPT: readonly Resource[] = [resources.secrets, resources.pods, resources.namespaces]

async function applyOne({ writes, signal }: AccountTurn, { resource, object }: Desired): Promise<KubeObject> {
  try {
    return await writes.apply(resource, object, { manager: MANAGER, force: true, signal })
  } catch (err) {
    // The words of the server may quote what it refuses.
    if (resource !== resources.secrets || !hasCode(err, 'KUBE_INVALID')) throw err
    throw appError('KUBE_INVALID', { message: `the server refuses the Secret ${object.metadata.name}` })
  }
}

export function applier(owned: OwnedObjects): Applier {
  const memory = new Map<string, Applied>()

  const isAsLeft = (turn: AccountTurn, { resource, object }: Desired, digest: string): boolean => {
    const last = memory.get(keyOf(resource, object.metadata))
    if (last?.digest !== digest) return false
    // Of kinds that are not watched, what was applied counts until the next look at everything.
    return !owned.follows(resource) || owned.version(resource, object.metadata, turn.plane.uid) === last.version
  }

  const prune = async (turn: AccountTurn, desired: readonly Desired[]): Promise<number> => {
    const wanted = new Set(desired.map(({ resource, object }) => keyOf(resource, object.metadata)))
    const surplus = owned
      .of(turn.plane.uid)
      .filter(({ resource, metadata }) => !KEPT.includes(resource) && !wanted.has(keyOf(resource, metadata)))
      .filter(({ metadata }) => metadata.namespace === turn.place.namespace)
    for (const { resource, metadata } of surplus) {
      memory.delete(keyOf(resource, metadata))
      await turn.writes.remove(resource, metadata, { uid: metadata.uid, signal: turn.signal })
    }
    return surplus.length
  }

  return {
    forget: () => memory.clear(),
    async apply(turn, desired) {
      let written = 0
      for (const one of desired) {
        const digest = digestOf(Buffer.from(JSON.stringify(one.object)))
        if (isAsLeft(turn, one, digest)) continue
        // What is in a namespace of ours is ours: whoever changed a field there is overruled.
        const { metadata } = await applyOne(turn, one)
        memory.set(keyOf(one.resource, one.object.metadata), { digest, version: metadata.resourceVersion })
        written += 1
      }
      return { written: written + (await prune(turn, desired)) }
    },
  }
}
