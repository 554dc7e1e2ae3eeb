import { type AppError, appError, type Background, type Clock, deadline, hasCode } from '../../../base/index.ts'
import type { MetainfoLog, MetainfoRecord } from '../../../metainfo/index.ts'
import type { MetainfoSource } from '../../outside.ts'
import type { AskedNames } from '../shared/asked-names.ts'

/** An origin's opinion on the metainfo that a tracker relayed; `silent` when no origin answers in time. */
export type Opinion = 'confirms' | 'contradicts' | 'failed' | 'silent'

/**
 * Why the metainfo is doubted: it says `failed`; the whole digest does not match although each piece matches its hash;
 * or two sources gave the same bytes for a piece, and these do not match its hash.
 */
export type Doubt = 'failed' | 'digest' | 'bytes'

/** The blob is `wrong`, at the origin too; its metainfo is `doubted`; or its hashes can be `trusted`. */
export type Finding = 'wrong' | 'doubted' | 'trusted'

/** No single source is believed: a lying tracker must not spoil a cache, get peers banned or a blob refused. */
export function findingOf(doubt: Doubt, opinion: Opinion): Finding {
  if (opinion === 'failed') return 'wrong'
  if (opinion !== 'confirms' || doubt === 'failed') return 'doubted'
  return doubt === 'digest' ? 'wrong' : 'trusted'
}

export interface SecondOpinionComponents {
  readonly clock: Clock
  readonly metainfo: MetainfoSource
}

export interface SecondOpinionInit {
  readonly names: AskedNames
  readonly log: MetainfoLog
  readonly tasks: Background
  /** The metainfo comes from an origin itself. */
  readonly direct: boolean
}

export interface SecondOpinionEvents {
  onTrusted(): void
  /** METAINFO_FAILED or METAINFO_DOUBTED. */
  onRefuted(err: AppError): void
}

/** When a stream says nothing final for this long, its origin is still bringing the blob. */
const PATIENCE_MS = 10_000

/** Asks an origin whether the metainfo of a pull is right, before any peer is blamed. */
export class SecondOpinion {
  readonly #components: SecondOpinionComponents
  readonly #init: SecondOpinionInit
  readonly #events: SecondOpinionEvents
  #asking = false
  /** The hashes are an origin's own. */
  trusted: boolean

  constructor(components: SecondOpinionComponents, init: SecondOpinionInit, events: SecondOpinionEvents) {
    this.#components = components
    this.#init = init
    this.#events = events
    this.trusted = init.direct
  }

  /** Leads to one event, unless the same question is already running. */
  ask(doubt: Doubt): void {
    if (this.#init.direct) {
      if (doubt !== 'bytes') this.#conclude('wrong', doubt)
      return
    }
    if (this.#asking && doubt === 'bytes') return
    this.#asking = true
    this.#init.tasks.run('second-opinion', async (signal) => {
      const opinion = await originsOpinion(this.#components, this.#init, signal)
      this.#asking = false
      if (!signal.aborted) this.#conclude(findingOf(doubt, opinion), doubt)
    })
  }

  #conclude(finding: Finding, doubt: Doubt): void {
    if (finding === 'trusted') {
      this.trusted = true
      this.#events.onTrusted()
    } else
      this.#events.onRefuted(
        appError(finding === 'wrong' ? 'METAINFO_FAILED' : 'METAINFO_DOUBTED', { detail: { doubt } }),
      )
  }
}

async function originsOpinion(
  { clock, metainfo }: SecondOpinionComponents,
  { names, log }: SecondOpinionInit,
  outer: AbortSignal,
): Promise<Opinion> {
  const limit = deadline(clock, PATIENCE_MS, outer)
  try {
    for await (const record of metainfo.open(names.current, { signal: limit.signal, direct: true })) {
      const opinion = opinionOf(record, log)
      if (opinion !== undefined) return opinion
    }
    return 'silent'
  } catch (err) {
    return hasCode(err, 'DIGEST_REFUSED') ? 'failed' : 'silent'
  } finally {
    limit.release()
  }
}

/** Undefined when the record decides nothing. */
function opinionOf(record: MetainfoRecord, log: MetainfoLog): Opinion | undefined {
  switch (record.kind) {
    case 'header':
      return log.header?.length === record.header.length ? undefined : 'contradicts'
    case 'piece': {
      const known = log.hashOf(record.index)
      return known === undefined || Buffer.compare(known, record.hash) === 0 ? undefined : 'contradicts'
    }
    case 'verified':
      return 'confirms'
    case 'failed':
      return 'failed'
    case 'heartbeat':
    case 'peers':
    case 'hint':
      return undefined
  }
}
