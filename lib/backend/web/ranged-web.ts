import { type AppError, appError, type Clock, countCache, hasCode } from '../../base/index.ts'
import { type ByteRange, rangeLength } from '../../core/index.ts'
import type { ObjectStat } from '../backend.ts'
import { backendUnits } from '../units.ts'
import { rangeHeader, sizeOf } from './object-answer.ts'
import { refusalOf, type WebAnswer } from './web-client.ts'

type HeaderFields = Readonly<Record<string, string>>

/** An object of the web. */
export interface WebObject {
  /** Names it among all that the same `RangedWeb` knows. */
  readonly id: string
  /** Who is asked for it: hosts are remembered by this. */
  readonly host: string
}

/** How an object is asked for. */
export interface RangeAsk {
  /** From the usual place, through its redirects; undefined when it is not there. @throws for any refusal */
  readonly usual: (headers: HeaderFields) => Promise<WebAnswer | undefined>
  /** From where a redirect led the last time; any status is an answer. */
  readonly there: (url: string, headers: HeaderFields) => Promise<WebAnswer>
}

/**
 * Reads of ranges from web servers, of which nobody knows beforehand whether they obey them.
 *
 *     first range of an object ── 206 ──> it is read in units; its version, and where a redirect led, are kept
 *                              └─ 200 ──> that answer is the whole object; its host is believed to ignore ranges for a while
 *     further ranges           ── from where the redirect led ── 400, 401, 403, 404, 410: no longer ──> the usual place
 *                              └─ another version ──> BACKEND_UNAVAILABLE; its host is read front to back for a while
 *
 * What it knows of objects and hosts is bounded.
 */
export interface RangedWeb {
  /** How an object can be read that is about to be read; it is looked at anew. Nothing where it is read front to back. */
  begin(object: WebObject): Pick<ObjectStat, 'unitBytes' | 'runBytes' | 'isUnproven'>
  /** What is known of the object does not count any more. */
  forget(object: WebObject): void
  /**
   * A non-empty range of an object, or all of it where the server ignores ranges.
   * @throws what `ask` throws; BACKEND_UNAVAILABLE when it is another version than the last range of the object was
   */
  get(object: WebObject, range: ByteRange, ask: RangeAsk): Promise<WebAnswer | undefined>
}

/** So long a host is believed to ignore ranges, and a place to which a redirect led is asked. */
const BELIEVED_MS = 10 * 60_000
const MAX_HOSTS = 1_000
/** Objects whose place and version are known; of more, the one that was learned first is looked up anew. */
const MAX_OBJECTS = 1_000

/** What presigned URLs answer when their time is over, and servers when what they had has moved. */
const NO_LONGER_THERE: readonly number[] = [400, 401, 403, 404, 410]

/** What one answer has shown of an object. */
interface Sighting {
  /** Who gave it: validators of different hosts cannot be compared. */
  readonly origin: string
  readonly version: string | undefined
  readonly size: number | undefined
}

interface KnownObject {
  /** Where a redirect led; undefined when that is not known. */
  readonly place: string | undefined
  /** The last answer came without a redirect. */
  readonly isDirect: boolean
  /** The version that whoever began to read it has seen first: all his reads are of that one. */
  readonly seen: Sighting | undefined
  /** Somebody has begun to read it. */
  readonly isBegun: boolean
}

const NOTHING: KnownObject = { place: undefined, isDirect: false, seen: undefined, isBegun: false }

/** What shows that the content is still the same; undefined where the server says nothing. */
export function versionOf({ headers }: Pick<WebAnswer, 'headers'>): string | undefined {
  return headers['etag'] ?? headers['last-modified']
}

export interface Validators {
  readonly etag?: string | undefined
  readonly lastModified?: string | undefined
}

/** Whether other content has another version for sure; a weak tag alone does not say that every byte is the same. */
export function hasVersion({ etag, lastModified }: Validators): boolean {
  return etag?.startsWith('"') === true || lastModified !== undefined
}

/** The condition that spares the bytes of another version. Weak tags never match (RFC 9110, 13.1.1). */
function condition({ seen }: KnownObject): HeaderFields {
  const version = seen?.version
  return version?.startsWith('"') === true ? { 'if-match': version } : {}
}

class KnownWeb implements RangedWeb {
  readonly #clock: Pick<Clock, 'now'>
  readonly #ignoring
  readonly #objects

  constructor(clock: Pick<Clock, 'now' | 'monotonicMs'>) {
    this.#clock = clock
    this.#ignoring = countCache<true>(clock, { maxEntries: MAX_HOSTS, ttlMs: BELIEVED_MS })
    this.#objects = countCache<KnownObject>(clock, { maxEntries: MAX_OBJECTS, ttlMs: BELIEVED_MS })
  }

  begin({ id, host }: WebObject) {
    this.#objects.set(id, { ...NOTHING, isBegun: true })
    return this.#ignoring.get(host) === true ? {} : { ...backendUnits, isUnproven: true }
  }

  forget({ id }: WebObject): void {
    this.#objects.delete(id)
  }

  async get(object: WebObject, range: ByteRange, ask: RangeAsk): Promise<WebAnswer | undefined> {
    const answer = (await this.#kept(object, range, ask)) ?? (await this.#usual(object, range, ask))
    if (answer === undefined) return undefined
    try {
      this.#note(object, range, answer)
    } catch (err) {
      answer.body.destroy()
      throw err
    }
    return answer
  }

  /** From where the last redirect led; undefined when that is not known, or not so any more. */
  async #kept(object: WebObject, range: ByteRange, ask: RangeAsk): Promise<WebAnswer | undefined> {
    const known = this.#known(object)
    if (known.place === undefined) return undefined
    const forgetPlace = () => this.#objects.set(object.id, { ...this.#known(object), place: undefined })
    const isThere = known.seen?.origin === new URL(known.place).origin
    const headers = { ...rangeHeader(range), ...(isThere && condition(known)) }
    const answer = await ask.there(known.place, headers).catch((err: unknown) => {
      forgetPlace()
      throw err
    })
    const { status } = answer
    if (status === 200 || status === 206) return answer
    if (status === 412 || (status === 416 && known.seen !== undefined)) {
      await answer.discard()
      throw this.#changed(object)
    }
    if (status !== 429) forgetPlace()
    if (!NO_LONGER_THERE.includes(status)) throw await refusalOf(answer, this.#clock)
    await answer.discard()
    return undefined
  }

  async #usual(object: WebObject, range: ByteRange, ask: RangeAsk): Promise<WebAnswer | undefined> {
    const known = this.#known(object)
    try {
      return await ask.usual({ ...rangeHeader(range), ...(known.isDirect && condition(known)) })
    } catch (err) {
      const isChange = known.seen !== undefined && hasCode(err, 'BACKEND_PRECONDITION_FAILED', 'RANGE_UNSATISFIABLE')
      throw isChange ? this.#changed(object, err) : err
    }
  }

  /** @throws BACKEND_UNAVAILABLE when it is of another version */
  #note(object: WebObject, range: ByteRange, answer: WebAnswer): void {
    const { seen, isBegun } = this.#known(object)
    const now = { origin: new URL(answer.url).origin, version: versionOf(answer), size: sizeOf(answer) }
    if (seen !== undefined && isOther(seen, now)) throw this.#changed(object)
    if (answer.status !== 206 && (now.size ?? 0) > rangeLength(range)) this.#ignoring.set(object.host, true)
    this.#objects.set(object.id, {
      place: answer.isRedirected ? answer.url : this.#known(object).place,
      isDirect: !answer.isRedirected && this.#known(object).place === undefined,
      seen: isBegun ? now : undefined,
      isBegun,
    })
  }

  /** Servers of one name that disagree on the version of a file are read in one go, each time from one of them. */
  #changed({ host }: WebObject, cause?: unknown): AppError {
    this.#ignoring.set(host, true)
    return appError('BACKEND_UNAVAILABLE', { message: 'the object was replaced while it was read', cause })
  }

  #known({ id }: WebObject): KnownObject {
    return this.#objects.get(id) ?? NOTHING
  }
}

function isOther(seen: Sighting, now: Sighting): boolean {
  return seen.size !== now.size || (seen.origin === now.origin && seen.version !== now.version)
}

export function rangedWeb(clock: Pick<Clock, 'now' | 'monotonicMs'>): RangedWeb {
  return new KnownWeb(clock)
}
