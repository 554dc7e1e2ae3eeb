import { descriptorSchema, parseBody, type TagVersion, tagVersionSchema } from '../../lib/api/index.ts'
import type { Backend } from '../../lib/backend/index.ts'
import { type AbortOptions, appError, type Clock, deadline, hasCode, type Random, retry } from '../../lib/base/index.ts'
import type { Descriptor } from '../../lib/core/index.ts'
import type { TagChange } from './announced.ts'
import { indexKey } from './index-keys.ts'
import type { IndexRecords } from './index-records.ts'

/** How long a change may take; then it is given up. */
const TURN_MS = 60_000
/** A turn of another process that stays unchanged for so long, on the own clock, is over: its process is gone. */
const ABANDONED_MS = 120_000
/** How often it is asked whether a turn is free, and the pauses between; about ten seconds. */
const WAIT = { attempts: 40, baseMs: 50, maxMs: 500 }
/** Unfinished changes that one turn remembers; so many processes would have to end one after the other. */
const MAX_INTENTS = 8
/** Time to find out what became of a change that failed. */
const SETTLE_MS = 10_000

/** What a change is about to make of a tag, written down before it is made. */
export interface Intent {
  /** Undefined: the tag is deleted. */
  readonly target: Descriptor | undefined
  /** Of a change that comes from another cluster; without it, it is a change of this one. */
  readonly version?: TagVersion
}

export interface TagTurnsComponents {
  readonly backend: Backend
  /** In that backend. */
  readonly records: IndexRecords
  readonly clock: Clock
  readonly random: Random
  /** Finishes a change that was perhaps made, and perhaps not. */
  readonly settle: (change: TagChange, intent: Intent, options: AbortOptions) => Promise<void>
}

/**
 * One change of a tag at a time, over all processes of a cluster, where the tag and its version lie in two places. Each
 * turn says what it is going to do, so that a change whose process ended in the middle is finished by the next turn.
 */
export interface TagTurns {
  /** @throws UNAVAILABLE when others never stop changing the tag, or one of them is gone and its time is not over */
  run<T>(
    change: TagChange,
    intent: Intent | undefined,
    work: (options: AbortOptions) => Promise<T>,
    options?: AbortOptions,
  ): Promise<T>
  /** Whether a change is under way, or was left in the middle. */
  isTaken(change: TagChange, options?: AbortOptions): Promise<boolean>
}

interface Turn {
  readonly key: string
  readonly etag: string
  /** What processes before were about to do, and may have done. */
  readonly abandoned: readonly Intent[]
}

export function tagTurns(components: TagTurnsComponents): TagTurns {
  const { backend, clock, settle } = components
  const take = takesTurns(components)
  const end = async ({ key, etag }: Turn, options: AbortOptions) => {
    await backend.delete(key, { ...options, ifMatch: etag }).catch((err: unknown) => {
      if (!hasCode(err, 'BACKEND_PRECONDITION_FAILED')) throw err
    })
  }
  /** Without an answer the turn stays, and is settled by whoever finds it abandoned. */
  const settleFailed = async (change: TagChange, intent: Intent | undefined, turn: Turn) => {
    const limit = deadline(clock, SETTLE_MS)
    try {
      if (intent !== undefined) await settle(change, intent, { signal: limit.signal })
      await end(turn, { signal: limit.signal })
    } catch {
      return
    } finally {
      limit.release()
    }
  }

  return {
    async run(change, intent, work, { signal } = {}) {
      const turn = await take(change, intent, { signal })
      const limit = deadline(clock, TURN_MS, signal)
      const options = { signal: limit.signal }
      let result: Awaited<ReturnType<typeof work>>
      try {
        for (const left of turn.abandoned) await settle(change, left, options)
        result = await work(options)
      } catch (err) {
        await settleFailed(change, intent, turn)
        throw err
      } finally {
        limit.release()
      }
      // What is made is made; a turn that cannot be ended now is found to be over later.
      await end(turn, {}).catch(() => undefined)
      return result
    },
    isTaken: async (change, options) => (await backend.stat(keyOf(change), options)) !== undefined,
  }
}

const keyOf = ({ repository, tag }: TagChange) => indexKey(repository, { kind: 'change', tag })

function takesTurns({ backend, records, clock, random }: TagTurnsComponents) {
  /** Turns of others, and since when they are unchanged. */
  const seen = new Map<string, { readonly etag: string; readonly sinceMs: number }>()

  const tryTake = async (change: TagChange, intent: Intent | undefined, options: AbortOptions): Promise<Turn> => {
    const key = keyOf(change)
    const found = await records.read(key, parseIntents, options)
    if (found !== undefined) {
      const before = seen.get(key)
      const nowMs = clock.monotonicMs()
      if (before?.etag !== found.etag) seen.set(key, { etag: found.etag, sinceMs: nowMs })
      if (before?.etag !== found.etag || nowMs - before.sinceMs < ABANDONED_MS)
        throw appError('UNAVAILABLE', { message })
    }
    const nonce = Buffer.from(random.bytes(8)).toString('hex')
    const abandoned = found?.value ?? []
    // Until they are settled, what others have left in the middle is still said.
    const intents = [...abandoned, ...(intent === undefined ? [] : [intent])].slice(-MAX_INTENTS)
    const bytes = Buffer.from(JSON.stringify({ intents: intents.map(intentJson), nonce }))
    const condition = found === undefined ? { ifAbsent: true } : { ifMatch: found.etag }
    const { etag } = await backend.write(key, bytes, { ...options, ...condition, size: bytes.length })
    seen.delete(key)
    return { key, etag, abandoned }
  }

  return (change: TagChange, intent: Intent | undefined, options: AbortOptions): Promise<Turn> =>
    retry({ clock, random }, WAIT, () => tryTake(change, intent, options), {
      ...options,
      again: (err) => hasCode(err, 'UNAVAILABLE', 'BACKEND_PRECONDITION_FAILED'),
    }).catch((err: unknown) => {
      throw hasCode(err, 'BACKEND_PRECONDITION_FAILED') ? appError('UNAVAILABLE', { message, cause: err }) : err
    })
}

const message = 'the tag is being changed; try again'

const intentJson = ({ target, version }: Intent): object => ({ ...(target && { target }), ...(version && { version }) })

function parseIntents(value: unknown): readonly Intent[] {
  const { intents } = value as { readonly intents: readonly Readonly<Record<keyof Intent, unknown>>[] }
  return intents.map(({ target, version }) => ({
    target: target === undefined ? undefined : parseBody(descriptorSchema, target),
    ...(version !== undefined && { version: parseBody(tagVersionSchema, version) }),
  }))
}
