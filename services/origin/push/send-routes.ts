import { Readable } from 'node:stream'
import {
  blobOf,
  MAX_SEND_BODY,
  originRoutes,
  parseBody,
  SEND_MEDIA_TYPE,
  type SendEnd,
  type SendProgress,
  type SendTarget,
  sendTargetSchema,
} from '../../../lib/api/index.ts'
import {
  abortController,
  anySignal,
  appError,
  type Clock,
  codeOf,
  type Deferred,
  deferred,
  type ErrorCode,
  errorTable,
  type Timer,
} from '../../../lib/base/index.ts'
import {
  type Exchange,
  inTouch,
  type LookBudget,
  type Route,
  readJson,
  refusal,
  sendStream,
} from '../../../lib/http/index.ts'
import type { StoredBlob } from '../../../lib/store/index.ts'
import type { Logger } from '../../../lib/telemetry/index.ts'
import type { Ingest } from '../bring/ingest-contract.ts'
import type { RemoteSend, SendOutcome } from './remote-send.ts'
import type { SendTargets } from './send-targets.ts'

/** Most sends at the same time: each holds a piece in memory and a connection. */
export const MAX_SENDS = 32
const RETRY_AFTER_SECONDS = 5
/** Between two lines of an answer; also while nothing changes, so that both ends know of each other. */
const LINE_EVERY_MS = 1_000

export interface SendRoutesComponents {
  readonly remoteSend: RemoteSend
  readonly sendTargets: Pick<SendTargets, 'check'>
  /** Brings the blob here. */
  readonly ingest: Ingest
  /** For blobs that are nowhere. */
  readonly looks: LookBudget
  readonly clock: Clock
  readonly logger: Logger
}

const lineOf = (value: SendProgress | SendEnd): string => `${JSON.stringify(value)}\n`

/**
 * What the caller gets to know of a failure: its code and the sentence of that code. The words of the far end stay
 * here, because a far end could repeat the secret in them.
 */
function endOf(outcome: SendOutcome, { size }: StoredBlob): SendEnd {
  if (outcome.done) return { done: true, size }
  const code = knownCode(outcome.err)
  return { error: { code, message: errorTable[code].message, at: outcome.at } }
}

function knownCode(err: unknown): ErrorCode {
  const code = codeOf(err) ?? ''
  return Object.hasOwn(errorTable, code) ? (code as ErrorCode) : 'UNKNOWN'
}

/** Tells how a send goes: a line at its start, at most one in a second after that, and one at its end. */
class Teller {
  readonly #clock: Pick<Clock, 'setTimer'>
  #latest: SendProgress | undefined
  #end: SendEnd | undefined
  #news: Deferred<void> = deferred()

  constructor(clock: Pick<Clock, 'setTimer'>) {
    this.#clock = clock
  }

  note(progress: SendProgress): void {
    const isFirst = this.#latest === undefined
    this.#latest = progress
    if (isFirst) this.#news.resolve()
  }

  close(end: SendEnd): void {
    this.#end = end
    this.#news.resolve()
  }

  async *lines(): AsyncGenerator<string> {
    for (let timer: Timer | undefined; ; ) {
      await this.#news.promise
      timer?.cancel()
      this.#news = deferred()
      if (this.#latest !== undefined) yield lineOf(this.#latest)
      if (this.#end !== undefined) {
        yield lineOf(this.#end)
        return
      }
      const { resolve } = this.#news
      timer = this.#clock.setTimer(LINE_EVERY_MS, () => resolve())
    }
  }
}

/** The route by which the cluster's build-indexes make this origin send a blob to an origin of another cluster. */
export function sendRoutes(components: SendRoutesComponents): readonly Route[] {
  const { remoteSend, sendTargets, ingest, looks, clock, logger } = components
  let sends = 0

  const answer = async (exchange: Exchange, blob: StoredBlob, target: SendTarget): Promise<void> => {
    const over = abortController()
    const signal = anySignal([exchange.signal, over.signal])
    const teller = new Teller(clock)
    const work = remoteSend
      .send(blob, target, { signal, onProgress: (progress) => teller.note(progress) })
      .then((outcome) => {
        if (!outcome.done && !signal.aborted) {
          const fields = {
            digest: blob.digest,
            far: new URL(target.url).host,
            at: outcome.at,
            code: knownCode(outcome.err),
          }
          logger.warn('failed to send a blob to another cluster', fields)
        }
        teller.close(endOf(outcome, blob))
      })
    try {
      const body = Readable.from(teller.lines(), { objectMode: false })
      await sendStream(exchange, { status: 200, headers: { 'content-type': SEND_MEDIA_TYPE }, body })
    } finally {
      over.abort()
      await work
    }
  }

  const handle = async (exchange: Exchange): Promise<void> => {
    const blob = blobOf(exchange)
    const { signal } = exchange
    const target = parseBody(sendTargetSchema, await readJson(exchange, MAX_SEND_BODY))
    sendTargets.check(target.url)
    if (sends >= MAX_SENDS) {
      throw refusal(appError('LISTENER_BUSY', { detail: { limit: 'sends' } }), { 'retry-after': RETRY_AFTER_SECONDS })
    }
    sends += 1
    try {
      const bring = looks.during(exchange.req, () => ingest.ensure(blob, { hop: false, signal }))
      await answer(exchange, await inTouch(clock, exchange, bring), target)
    } finally {
      sends -= 1
    }
  }

  const summary = 'sends the blob to an origin of another cluster'
  return [{ methods: ['POST'], path: originRoutes.send, right: 'ring', summary, handle }]
}
