import type { Backend } from '../../../lib/backend/index.ts'
import {
  type AbortOptions,
  anySignal,
  background,
  type Clock,
  type Random,
  type Startable,
  untilAborted,
} from '../../../lib/base/index.ts'
import type { Logger } from '../../../lib/telemetry/index.ts'
import type { IndexRecords } from '../index-records.ts'
import type { FollowerChanges } from './follower-changes.ts'
import type { Remote } from './remote.ts'
import { replicationKeys } from './replication-keys.ts'
import { ruleHash, type TagRule } from './rules.ts'

/** Pause before the rules are written down again, when that failed. */
const AGAIN_MS = 10_000

/** The walk of each rule, by the hash of the rule. */
type Known = Readonly<Record<string, string>>

export interface KnownRulesComponents {
  readonly backend: Backend
  readonly records: IndexRecords
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly remotes: ReadonlyMap<string, Remote>
  readonly changes: FollowerChanges
}

/**
 * The rules that the build-indexes have, in their config and given, kept in the backend. Every start, and every change
 * while they run, writes down what is new and forgets what is gone. So a rule that was away for a while, changed, or whose remote did, gets a new walk over the tags
 * of before; a restart with the same config begins none.
 */
export interface KnownRules extends Startable {
  /** The walk of the rule, which is written down first if it is not known. */
  walkOf(remote: Remote, rule: TagRule, options?: AbortOptions): Promise<string>
  /** The same, and undefined as long as it is not known. */
  find(remote: Remote, rule: TagRule, options?: AbortOptions): Promise<string | undefined>
}

export function knownRules(components: KnownRulesComponents): KnownRules {
  const { records, backend, clock, logger, random, remotes, changes } = components
  const own = () => [...remotes.values()].flatMap((remote) => remote.rules.map((rule) => ruleHash(remote, rule)))
  const read = async (options: AbortOptions) =>
    (await records.read(replicationKeys.rules, parseKnown, options))?.value ?? {}

  /** Adds the rules, and forgets those that are not in `kept`; returns the walks before and after. */
  const change = async (added: readonly string[], isKept: (hash: string) => boolean, options: AbortOptions) => {
    let [before, after]: [Known, Known] = [{}, {}]
    const decide = (found: Known = {}) => {
      before = found
      const kept = Object.entries(found).filter(([hash]) => isKept(hash))
      const fresh = added.filter((hash) => found[hash] === undefined)
      after = Object.fromEntries([...kept, ...fresh.map((hash) => [hash, newWalk(random)] as const)])
      return fresh.length === 0 && kept.length === Object.keys(found).length ? undefined : { walks: after }
    }
    await records.change(replicationKeys.rules, { parse: parseKnown, decide }, options)
    return { before, after }
  }

  const note = async (options: AbortOptions) => {
    await changes.look(options)
    const hashes = own()
    const { before, after } = await change(hashes, (hash) => hashes.includes(hash), options)
    for (const [hash, walk] of Object.entries(before)) {
      if (after[hash] === undefined) await backend.delete(replicationKeys.walk(walk), options)
    }
  }
  let running = background(() => undefined)

  return {
    async start() {
      running = background((task, err) => logger.error('background task failed', { task, err }))
      running.run('note of the rules', async (signal) => {
        while (!signal.aborted) {
          const { next } = changes
          const isNoted = await note({ signal }).then(
            () => true,
            (err: unknown) => {
              if (!signal.aborted) logger.warn('the rules of the replication could not be written down now', { err })
              return false
            },
          )
          if (isNoted) await untilAborted(anySignal([signal, next]))
          else await clock.sleep(AGAIN_MS, { signal })
        }
      })
    },
    stop: () => running.stop(),
    find: async (remote, rule, options = {}) => (await read(options))[ruleHash(remote, rule)],
    async walkOf(remote, rule, options = {}) {
      const hash = ruleHash(remote, rule)
      const { after } = await change([hash], () => true, options)
      return after[hash] ?? ''
    },
  }
}

const newWalk = (random: Random) => Buffer.from(random.bytes(12)).toString('hex')

function parseKnown(value: unknown): Known {
  const { walks } = value as { readonly walks: Readonly<Record<string, unknown>> }
  return Object.fromEntries(Object.entries(walks).map(([hash, walk]) => [hash, String(walk)]))
}
