import type { JobCredentials } from '../../../lib/api/index.ts'
import {
  type AbortOptions,
  abortController,
  anySignal,
  appError,
  type Background,
  background,
  type Clock,
  isAbort,
  isAppError,
  type Random,
  type Rounds,
  rounds,
  type Startable,
  slots,
  throwIfAborted,
} from '../../../lib/base/index.ts'
import type { Logger } from '../../../lib/telemetry/index.ts'
import { newId } from '../database/ids.ts'
import type { ManagerDatabase } from '../database/index.ts'
import { imageOfText, imageText } from './image-url.ts'
import { type JobLedger, jobLedger, type PartEnd } from './job-ledger.ts'
import { type Job, type Part, partColumns, partOf } from './model.ts'
import type { RegistryAsker } from './registry-asker.ts'
import { insist } from './step.ts'
import { isOfLedger } from './step-ledger.ts'

/** Between two signs of life for the jobs whose credentials are here. */
const BEAT_MS = 3_000
/** Questions to registries at the same time. */
const MAX_ASKED = 32
/** Images of one job that are asked for at the same time. */
const PARTS_AT_ONCE = 8
/** Jobs of one statement. */
const JOBS_AT_ONCE = 500

/**
 * What somebody has shown for a job is in the memory of the manager that took it alone: never in a row, a log or an answer. So that one
 * asks the registries, whoever does the rest of the job; and it gives signs of life, without which the job does not wait for it.
 */
export interface Resolver extends Startable {
  /** Keeps what was shown until the images of the job are known, or nobody waits for them any more. */
  take(job: Pick<Job, 'id' | 'untilMs'>, credentials: JobCredentials): void
}

export interface ResolverComponents {
  readonly database: Pick<ManagerDatabase, 'read' | 'keep'>
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly registries: Pick<RegistryAsker, 'digestOf'>
}

interface Taken {
  readonly credentials: JobCredentials
  readonly untilMs: number
  readonly over: AbortController
  /** Parts whose registries are being asked. */
  readonly asked: Set<number>
}

/** Says that whoever has the credentials of these jobs lives, and finds what is still to be asked for them. */
async function openParts(
  { read, keep }: Pick<ManagerDatabase, 'read' | 'keep'>,
  ids: readonly string[],
  beat: string,
): Promise<readonly Part[]> {
  const open = ['waiting', 'running']
  await keep((tx) =>
    tx
      .updateTable('jobParts')
      .set({ remoteId: beat })
      .where('jobId', 'in', ids)
      .where('step', '=', 'resolve')
      .where('state', 'in', open)
      .execute(),
  )
  const rows = await read
    .selectFrom('jobParts')
    .select(partColumns)
    .where('jobId', 'in', ids)
    .where('step', '=', 'resolve')
    .where('state', 'in', open)
    .where((eb) =>
      eb.exists(
        eb.selectFrom('jobs').select('id').whereRef('jobs.id', '=', 'jobParts.jobId').where('jobs.state', 'in', open),
      ),
    )
    .orderBy('jobId')
    .orderBy('n')
    .execute()
  return rows.map(partOf)
}

/** What follows once the registry has said which image it is. The clusters bring it with their own credentials. */
function pinned({ spec: { target = '', url = '', clusters = [] } }: Part, digest: string): PartEnd {
  const image = imageText(imageOfText(target).repository, digest)
  return {
    state: 'done',
    next: clusters.map((cluster) => ({ cluster, step: 'content', spec: { target: image, url } })),
  }
}

class MemoryResolver implements Resolver {
  readonly #components: ResolverComponents
  readonly #ledger: Pick<JobLedger, 'endPart'>
  readonly #looks: Rounds
  readonly #taken = new Map<string, Taken>()
  readonly #room = slots(MAX_ASKED)
  readonly #own: string
  #tasks: Background
  #beats = 0

  constructor(components: ResolverComponents) {
    const { database, clock, logger } = components
    this.#components = components
    this.#ledger = jobLedger({ read: () => database.read, keep: (work) => database.keep(work), clock })
    this.#own = newId(components)
    this.#tasks = this.#newTasks()
    this.#looks = rounds(clock, {
      work: () => this.#look(),
      onFailure: (err) => logger.warn('failed to look for what registries are to be asked', { err }),
      retryMs: BEAT_MS,
    })
  }

  take({ id, untilMs }: Pick<Job, 'id' | 'untilMs'>, credentials: JobCredentials): void {
    const fresh = { untilMs, over: abortController(), asked: new Set<number>() }
    this.#taken.set(id, { ...(this.#taken.get(id) ?? fresh), credentials })
    this.#looks.ask()
  }

  async start(): Promise<void> {
    this.#tasks = this.#newTasks()
    await this.#looks.start()
  }

  async stop(): Promise<void> {
    await this.#looks.stop()
    await this.#tasks.stop()
    for (const id of this.#taken.keys()) this.#forget(id)
  }

  #newTasks(): Background {
    const { logger } = this.#components
    return background((_name, err) => logger.warn('failed to ask a registry what an image is', { err }))
  }

  #forget(id: string): void {
    this.#taken.get(id)?.over.abort()
    this.#taken.delete(id)
  }

  /** Gives signs of life, begins what is to be asked, and forgets the jobs for which nothing is. */
  async #look(): Promise<number> {
    const { clock, database } = this.#components
    for (const [id, { untilMs }] of this.#taken) if (clock.now() > untilMs) this.#forget(id)
    const all = [...this.#taken.keys()]
    for (let at = 0; at < all.length; at += JOBS_AT_ONCE) {
      const ids = all.slice(at, at + JOBS_AT_ONCE)
      this.#beats += 1
      const parts = await openParts(database, ids, `${this.#own}.${this.#beats}`)
      const open = new Set(parts.map(({ jobId }) => jobId))
      for (const id of ids.filter((each) => !open.has(each))) this.#forget(id)
      for (const part of parts) this.#begin(part)
    }
    return this.#taken.size === 0 ? Number.POSITIVE_INFINITY : BEAT_MS
  }

  #begin(part: Part): void {
    const taken = this.#taken.get(part.jobId)
    if (taken === undefined || taken.asked.has(part.n) || taken.asked.size >= PARTS_AT_ONCE) return
    const { asked, over } = taken
    asked.add(part.n)
    this.#tasks.run('resolve', async (signal) => {
      try {
        await this.#askFor(part, anySignal([signal, over.signal]))
        this.#looks.ask()
      } catch (err) {
        if (!over.signal.aborted) throw err
      } finally {
        asked.delete(part.n)
      }
    })
  }

  async #askFor(part: Part, signal: AbortSignal): Promise<void> {
    const { clock, random, registries } = this.#components
    // Whoever does the job says when it is to end; then the signal fires.
    const work = { clock, random, signal, verdict: () => undefined }
    const ask = (options: AbortOptions) => {
      const shown = this.#taken.get(part.jobId)?.credentials
      if (shown === undefined) throw appError('ABORTED')
      return this.#room.run(() => registries.digestOf(part.spec.url ?? '', shown, options), options)
    }
    const failed = (err: unknown): PartEnd => {
      throwIfAborted(signal)
      if (isAbort(err) || !isAppError(err)) throw err
      return { state: 'failed', code: err.code, message: err.message }
    }
    const end = await insist(work, async (options) => pinned(part, await ask(options))).catch(failed)
    const endAs = (as: PartEnd) => insist(work, () => this.#ledger.endPart(part, as))
    await endAs(end).catch((err: unknown) => {
      if (isOfLedger(err)) throw err
      // What would follow is refused, and would be each time.
      return endAs(failed(err))
    })
  }
}

export const resolver = (components: ResolverComponents): Resolver => new MemoryResolver(components)
