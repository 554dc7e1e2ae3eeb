import type { AccountHealth, AccountsStatus } from '../../../lib/api/index.ts'
import { isJson, type Json, type WatchedObjects } from '../kubernetes/index.ts'
import type { ControlPlane } from './resource/control-plane.ts'
import { componentFacts, componentNames } from './rules/component.ts'

/** More accounts are not shown. */
const MOST_SHOWN = 2_000
const MAX_WORDS = 1024

const fieldsOf = (value: unknown): Json => (isJson(value) ? value : {})
const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value.slice(0, MAX_WORDS) : undefined
const countOf = (value: unknown): number => (typeof value === 'number' ? value : 0)

/** What an admin is told of all accounts: what their resources say, also at a controller that does not lead. */
export function statusOf(planes: WatchedObjects<ControlPlane>): AccountsStatus {
  const all = [...planes.items.values()].toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1))
  return { total: all.length, known: planes.freshness, accounts: all.slice(0, MOST_SHOWN).map(accountOf) }
}

const keyOf = ({ namespace, name }: ControlPlane) => `${namespace}/${name}`

function accountOf(plane: ControlPlane): AccountsStatus['accounts'][number] {
  const { status, spec } = plane
  const components = fieldsOf(status['components'])
  const { reason, message, time } = fieldsOf(status['lastError'])
  const [namespace, runs] = [textOf(status['namespace']), textOf(status['version'])]
  const error = textOf(reason)
  return {
    account: keyOf(plane),
    ...(namespace !== undefined && { namespace }),
    ...(typeof spec !== 'string' && { wantedVersion: spec.version }),
    ...(runs !== undefined && { version: runs }),
    health: healthOf(plane),
    ...says(plane),
    size: componentNames.map((name) => {
      const { key } = componentFacts[name]
      const { ready, wanted } = fieldsOf(components[key])
      return { component: key, ready: countOf(ready), wanted: countOf(wanted) }
    }),
    ...(error !== undefined && {
      lastError: { reason: error, message: textOf(message) ?? '', atMs: Date.parse(textOf(time) ?? '') || 0 },
    }),
  }
}

const conditionIn = ({ status }: ControlPlane, type: string): Json => {
  const all = Array.isArray(status['conditions']) ? status['conditions'].filter(isJson) : []
  return all.find((condition) => condition['type'] === type) ?? {}
}

export function healthOf(plane: ControlPlane): AccountHealth {
  const is = (type: string) => conditionIn(plane, type)['status'] === 'True'
  if (plane.leaving) return 'leaving'
  if (plane.paused) return 'paused'
  if (is('Degraded')) return 'degraded'
  if (is('Progressing')) return 'progressing'
  return is('Ready') ? 'ready' : 'waiting'
}

/** What is missing, in words. */
function says(plane: ControlPlane): { readonly missing?: string } {
  const type = ['Degraded', 'Progressing'].find((name) => conditionIn(plane, name)['status'] === 'True')
  const missing = type === undefined ? undefined : textOf(conditionIn(plane, type)['message'])
  return missing === undefined ? {} : { missing }
}
