import { descriptorSchema } from '../../../lib/api/index.ts'
import {
  type AbortOptions,
  type Background,
  background,
  type Clock,
  countCache,
  type Startable,
} from '../../../lib/base/index.ts'
import { type Descriptor, type Digest, type Repository, repositoryText, type Tag } from '../../../lib/core/index.ts'
import type { Logger } from '../../../lib/telemetry/index.ts'
import { indexKey } from '../index-keys.ts'
import type { IndexRecords } from '../index-records.ts'

/** Tags and manifests that are remembered; what was learnt longest ago goes first. */
const MAX_KNOWN = 20_000
/** A record is written again when the upstream has said the same for so long. */
const REWRITE_MS = 60 * 60_000
/** That somebody has used what an upstream said is recorded once in so long. */
const USED_MS = 24 * 60 * 60_000

/** What an upstream said of a tag or a digest. */
export interface Known {
  readonly manifest: Descriptor
  /** When it was asked, milliseconds since the epoch. */
  readonly askedAtMs: number
  /** The same on the monotonic clock; minus infinity for what a record says. */
  readonly askedMs: number
  /** When somebody used it without asking the upstream, as far as that was recorded. */
  readonly usedAtMs?: number | undefined
}

/**
 * The last answers of upstreams: in memory, and with a place for records also there, so that any build-index gives them
 * when the upstream is out, also after a restart. Its stop waits until what was learnt is recorded.
 */
export interface LastKnown extends Startable {
  /** From memory only. */
  look(repository: Repository, reference: Tag | Digest): Known | undefined
  /** From memory, else from the records; undefined also when they cannot be read. */
  find(repository: Repository, reference: Tag | Digest, options?: AbortOptions): Promise<Known | undefined>
  /** Somebody gets this answer: it is recorded now and then, since what nobody uses is removed. */
  use(repository: Repository, reference: Tag | Digest, known: Known): void
  /** Remembers it now, and records it in the background. A failure is logged. */
  keep(repository: Repository, reference: Tag | Digest, known: Known): void
  /** The upstream says that there is no such thing. */
  drop(repository: Repository, reference: Tag | Digest): void
}

export interface LastKnownComponents {
  readonly clock: Clock
  readonly logger: Logger
  /** Undefined where only memory keeps them. */
  readonly records: IndexRecords | undefined
}

export function lastKnown({ clock, logger, records }: LastKnownComponents): LastKnown {
  const memory = countCache<Known>(clock, { maxEntries: MAX_KNOWN })
  const newTasks = () => background((_, err) => logger.warn('failed to record what an upstream said', { err }))
  let tasks: Background = newTasks()
  const nameOf = (repository: Repository, reference: string) => `${repositoryText(repository)} ${reference}`
  const keyOf = (repository: Repository, reference: Tag | Digest) =>
    indexKey(
      repository,
      reference.includes(':')
        ? { kind: 'manifest', digest: reference as Digest }
        : { kind: 'tag', tag: reference as Tag },
    )
  const look: LastKnown['look'] = (repository, reference) => memory.get(nameOf(repository, reference))

  return {
    look,
    async find(repository, reference, options = {}) {
      const known = look(repository, reference)
      if (known !== undefined || records === undefined) return known
      try {
        return (await records.read(keyOf(repository, reference), knownIn, options))?.value
      } catch (err) {
        logger.warn('failed to read what an upstream said', { err })
        return undefined
      }
    },
    use(repository, reference, known) {
      const usedAtMs = clock.now()
      if (usedAtMs - lastUseOf(known) < USED_MS) return
      memory.set(nameOf(repository, reference), { ...known, usedAtMs })
      const decide = (found: Known | undefined) => found && { ...found.manifest, askedAtMs: found.askedAtMs, usedAtMs }
      tasks.run('use', async () => records?.change(keyOf(repository, reference), { parse: knownIn, decide }))
    },
    keep(repository, reference, known) {
      memory.set(nameOf(repository, reference), known)
      const { manifest, askedAtMs } = known
      tasks.run('keep', async () => {
        await records?.change(keyOf(repository, reference), {
          parse: knownIn,
          decide: (found) =>
            found?.manifest.digest === manifest.digest && Math.abs(askedAtMs - found.askedAtMs) < REWRITE_MS
              ? undefined
              : { ...manifest, askedAtMs },
        })
      })
    },
    drop(repository, reference) {
      memory.delete(nameOf(repository, reference))
      tasks.run('drop', async () => {
        await records?.removeIf(keyOf(repository, reference), { parse: knownIn, test: () => true })
      })
    },
    async start() {
      tasks = newTasks()
    },
    stop: () => tasks.stop(),
  }
}

const lastUseOf = ({ askedAtMs, usedAtMs = 0 }: Pick<Known, 'askedAtMs' | 'usedAtMs'>) => Math.max(askedAtMs, usedAtMs)

/** When an answer that is recorded was asked for or used last. @throws any error for what is no record of this */
export const usedAtIn = (value: unknown): number => lastUseOf(knownIn(value))

/** @throws any error for what is no record of this */
function knownIn(value: unknown): Known {
  const { askedAtMs, usedAtMs } = Object(value) as { readonly askedAtMs?: unknown; readonly usedAtMs?: unknown }
  if (typeof askedAtMs !== 'number') throw new TypeError('no time in the record')
  const used = typeof usedAtMs === 'number' ? { usedAtMs } : {}
  return { manifest: descriptorSchema.parse(value), askedAtMs, askedMs: Number.NEGATIVE_INFINITY, ...used }
}
