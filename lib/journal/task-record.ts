import { createHash } from 'node:crypto'
import type { Task } from './task.ts'

/** A task as it is stored; a running task is stored as a waiting one. */
type KeptTask = Task & { readonly state: 'waiting' | 'dead' }

const TASKS = 'task/'
const ASIDE = 'unreadable/'
const VERSION = 1

/** Equal for the same kind and key, so that a journal cannot hold two such tasks. */
export function taskId(kind: string, key: string): string {
  return createHash('sha256').update(`${kind}\n${key}`).digest('hex').slice(0, 32)
}

/**
 * The keys of a journal's records:
 *
 * task/<id>          a task, as JSON
 * unreadable/<key>   a record with an unknown key, or with a task's key and no valid task
 */
export const recordKeys = {
  task: (id: string) => TASKS + id,
  aside: (key: string) => ASIDE + key,
  isAside: (key: string) => key.startsWith(ASIDE),
}

export function encodeTask(task: Task): Uint8Array {
  const { kind, key, payload, state, attempts, dueAtMs, createdAtMs, lastError, background } = task
  const isDead = state === 'dead'
  return Buffer.from(
    JSON.stringify({ v: VERSION, kind, key, payload, isDead, attempts, dueAtMs, createdAtMs, lastError, background }),
  )
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0

/** The task in a record; undefined when the record is not a valid task. */
export function decodeTask(recordKey: string, value: Uint8Array): KeptTask | undefined {
  const fields = parsed(value)
  if (fields?.['v'] !== VERSION) return undefined
  const { kind, key, payload, isDead, attempts, dueAtMs, createdAtMs, lastError } = fields
  if (typeof kind !== 'string' || typeof key !== 'string' || typeof isDead !== 'boolean') return undefined
  if (!isCount(attempts) || !isCount(dueAtMs) || !isCount(createdAtMs)) return undefined
  if (lastError !== undefined && typeof lastError !== 'string') return undefined
  const id = taskId(kind, key)
  if (recordKey !== recordKeys.task(id)) return undefined
  const state = isDead ? 'dead' : 'waiting'
  const task = { id, kind, key, payload, state, attempts, dueAtMs, createdAtMs, lastError } as const
  return fields['background'] === true ? { ...task, background: true } : task
}

function parsed(value: Uint8Array): Readonly<Record<string, unknown>> | undefined {
  try {
    const json: unknown = JSON.parse(Buffer.from(value).toString('utf8'))
    return typeof json === 'object' && json !== null ? (json as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}
