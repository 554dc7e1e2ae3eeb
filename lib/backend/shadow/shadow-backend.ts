import { hasCode, lifecycle } from '../../base/index.ts'
import type { Metrics } from '../../telemetry/index.ts'
import type { Backend, ObjectStat } from '../backend.ts'
import { DEFAULT_PAGE } from '../object-page.ts'
import { owningSource } from '../receive.ts'
import type { Copies } from './copies.ts'
import { marked } from './marked-etag.ts'
import { mergedPage } from './merged-page.ts'
import { deleteShadowed, writeShadowed } from './shadow-writes.ts'

export interface ShadowComponents {
  readonly metrics: Metrics
  readonly primary: Backend
  readonly secondary: Backend
  /** Copies an object to the primary when a read found it only in the secondary; undefined disables the copies. */
  readonly copies: Copies | undefined
}

export interface ShadowInit {
  readonly writes: 'both' | 'primary'
}

/**
 * Two backends combined, to move from the secondary to the primary while both are in use.
 *
 * Reading: the primary is asked first, then the secondary for what the primary lacks. While the primary is unavailable
 * (BACKEND_UNAVAILABLE, BACKEND_THROTTLED), an object is read from the secondary, provided that every write went there
 * as well; when the secondary lacks it too, the primary's error is thrown, because the primary may have it. While the
 * secondary is unavailable, only the primary's objects can be read.
 *
 * Writing: the primary decides about conditions. An object that only the secondary has counts as existing: `ifAbsent`
 * is refused, and `ifMatch` with its etag is checked against the secondary; then the primary accepts the object only if
 * it still lacks it. With `writes: both` the secondary is written after the primary, without a condition, so it never
 * has an object that the primary refused. A write returns when both have it; when either fails, the error is thrown and
 * the caller has to retry, although the primary may have the object already. When several processes write one key at
 * the same moment, the secondary may keep an earlier version. Deleting removes from both, whatever `writes` says,
 * because an object left in the secondary would be found again.
 *
 * `start` and `stop` start and stop both backends; the owner of `copies` stops the copies.
 */
export function shadowBackend(components: ShadowComponents, { writes }: ShadowInit): Backend {
  const { metrics, primary, secondary, copies } = components
  const reads = metrics.counter(
    { name: 'shoal_shadow_reads_total', help: 'Objects asked of a shadow backend, by the backend that had them.' },
    ['from'],
  )
  const count = (from: 'primary' | 'secondary' | 'bridged' | 'absent') => reads.with({ from }).add()

  /** Asks the backends in order; `ask` gives undefined for a missing object. */
  const found = async <T extends ObjectStat>(
    ask: (backend: Backend) => Promise<T | undefined>,
    onSecondary: () => void,
  ) => {
    let outage: { readonly err: unknown } | undefined
    try {
      const there = await ask(primary)
      if (there !== undefined) {
        count('primary')
        return marked('primary', there)
      }
    } catch (err) {
      if (writes !== 'both' || !hasCode(err, 'BACKEND_UNAVAILABLE', 'BACKEND_THROTTLED')) throw err
      outage = { err }
    }
    const there = await ask(secondary)
    if (there === undefined) {
      if (outage !== undefined) throw outage.err
      count('absent')
      return undefined
    }
    count(outage === undefined ? 'secondary' : 'bridged')
    if (outage === undefined) onSecondary()
    return marked('secondary', there)
  }

  return {
    ...lifecycle([primary, secondary]),
    stat: (key, options) =>
      found(
        (backend) => backend.stat(key, options),
        () => undefined,
      ),
    read: (key, options) =>
      found(
        (backend) => backend.read(key, options),
        () => copies?.order({ from: secondary, to: primary }, key),
      ),
    write: (key, source, options) =>
      owningSource(source, () => writeShadowed(components, { key, source, options }, writes)),
    async list(prefix, { limit = DEFAULT_PAGE, ...options } = {}) {
      const most = Math.max(1, limit)
      const asked = { ...options, limit: most }
      const [one, other] = await Promise.all([primary.list(prefix, asked), secondary.list(prefix, asked)])
      return mergedPage(one, other, most)
    },
    delete: (key, options = {}) => deleteShadowed(components, key, options),
  }
}
