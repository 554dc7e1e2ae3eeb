import { background, hasCode, type Startable } from '../../base/index.ts'
import type { Logger, Metrics } from '../../telemetry/index.ts'
import type { Backend } from '../backend.ts'
import { owningSource } from '../receive.ts'

/** Number of copies that run at the same time. */
const PARALLEL_COPIES = 4
/** Most objects that wait to be copied; further ones are copied when they are read again. */
const MAX_WAITING_COPIES = 1_000

/** Copies objects from one backend to another in the background. */
export interface Copies extends Startable {
  /** Copies `key` later, unless a copy of it is already planned; never waits, never fails. */
  order(backends: CopiedBackends, key: string): void
}

export interface CopiedBackends {
  readonly from: Pick<Backend, 'stat' | 'read'>
  readonly to: Pick<Backend, 'write' | 'delete'>
}

interface Order {
  readonly backends: CopiedBackends
  readonly key: string
}

/** Counts in `shoal_shadow_copies_total{outcome}`. */
export function copies({ logger, metrics }: { readonly logger: Logger; readonly metrics: Metrics }): Copies {
  const counter = metrics.counter(
    {
      name: 'shoal_shadow_copies_total',
      help: 'Objects copied to the primary of a shadow backend because they were read.',
    },
    ['outcome'],
  )
  const count = (outcome: 'copied' | 'needless' | 'failed' | 'skipped') => counter.with({ outcome }).add()
  const tasks = background((_name, err) => logger.error('failed to copy objects of the backend', { err }))
  const waiting: Order[] = []
  let workers = 0
  const ordered = new Map<CopiedBackends['to'], Set<string>>()

  const keysOf = ({ to }: CopiedBackends) => {
    const keys = ordered.get(to) ?? new Set<string>()
    ordered.set(to, keys)
    return keys
  }

  const forget = ({ backends, key }: Order) => {
    const keys = keysOf(backends)
    keys.delete(key)
    if (keys.size === 0) ordered.delete(backends.to)
  }

  const carryOut = async (order: Order, signal: AbortSignal) => {
    try {
      count(await copied(order, signal))
    } catch (err) {
      if (signal.aborted) return
      count('failed')
      logger.warn('failed to copy an object to the primary backend', { key: order.key, err })
    } finally {
      forget(order)
    }
  }

  const work = async (signal: AbortSignal) => {
    workers += 1
    for (let order = waiting.shift(); order !== undefined && !signal.aborted; order = waiting.shift()) {
      await carryOut(order, signal)
    }
    workers -= 1
  }

  return {
    start: () => tasks.start(),
    stop: () => tasks.stop(),
    order(backends, key) {
      const keys = keysOf(backends)
      if (keys.has(key)) return
      if (waiting.length >= MAX_WAITING_COPIES) {
        count('skipped')
        return
      }
      keys.add(key)
      waiting.push({ backends, key })
      if (workers < PARALLEL_COPIES) tasks.run('copy', work)
    },
  }
}

async function copied({ backends, key }: Order, signal: AbortSignal): Promise<'copied' | 'needless'> {
  const { from, to } = backends
  const found = await from.read(key, { signal })
  if (found === undefined) return 'needless'
  try {
    const { body, size } = found
    const copy = await owningSource(body, () => to.write(key, body, { size, ifAbsent: true, signal }))
    // The object was removed meanwhile; the copy must not bring it back.
    const now = await from.stat(key, { signal })
    if (now?.etag !== found.etag) await to.delete(key, { ifMatch: copy.etag, signal })
    return 'copied'
  } catch (err) {
    if (hasCode(err, 'BACKEND_PRECONDITION_FAILED')) return 'needless'
    throw err
  }
}
