import { abortController, anySignal, appError, type Clock, isAbort, type Startable } from '../../../lib/base/index.ts'
import { type Exchange, type SentEvent, sendEvents } from '../../../lib/http/index.ts'
import type { Logger } from '../../../lib/telemetry/index.ts'
import { jobAnswer, jobLine } from './job-answer.ts'
import type { JobStore } from './job-store.ts'
import { isOpen, type JobSums } from './model.ts'

/** Rows of one look. */
const ROWS = 500
/** Streams that are open at the same time: each looks once for each `lookMs`. */
const MAX_JOB_STREAMS = 200

export interface JobEventsComponents {
  readonly store: JobStore
  readonly clock: Clock
  readonly logger: Logger
  /** Between two looks. */
  readonly lookMs: number
}

/** Tells of one job while it runs. Its stop ends all streams. */
export interface JobEvents extends Startable {
  /** @throws TOOMANYREQUESTS, JOB_UNKNOWN */
  send(exchange: Exchange, id: string): Promise<void>
}

export function jobEvents({ store, clock, logger, lookMs }: JobEventsComponents): JobEvents {
  let end = abortController()
  let streams = 0

  const sendRows = async (id: string, after: number, send: (event: SentEvent) => void) => {
    const rows = await store.rows(id, { after, count: ROWS })
    const clusters = new Map(rows.length === 0 ? [] : (await store.parts(id)).map(({ n, cluster }) => [n, cluster]))
    for (const row of rows)
      send({ id: String(row.seq), event: 'row', data: { ...row, cluster: clusters.get(row.part) ?? '' } })
    return rows
  }

  /** What has changed since a number of a row; the same from any manager, so a client may come back anywhere. */
  const tell = async (id: string, from: number, send: (event: SentEvent) => void, signal: AbortSignal) => {
    let after = from
    let told = ''
    let sums: JobSums | undefined
    for (;;) {
      const job = await store.get(id)
      const rows = await sendRows(id, after, send)
      after = rows.at(-1)?.seq ?? after
      // The rows are summed up only when some have changed.
      if (sums === undefined || rows.length > 0 || !isOpen(job.state)) sums = await store.sums(job)
      const data = jobLine(jobAnswer(job, sums))
      const line = JSON.stringify(data)
      if (line !== told) send({ event: 'job', data })
      told = line
      const isAll = rows.length < ROWS
      if (!isOpen(job.state) && isAll) return
      if (isAll) await clock.sleep(lookMs, { signal })
    }
  }

  return {
    start: async () => {
      end = abortController()
    },
    stop: async () => end.abort(),
    async send(exchange, id) {
      if (streams >= MAX_JOB_STREAMS) throw appError('TOOMANYREQUESTS', { message: 'too many look at jobs' })
      // Counted before anything is waited for: those that come at once are no more than those that come one by one.
      streams += 1
      const over = abortController()
      try {
        // An answer that says that there is no such job must come before the stream begins.
        await store.get(id)
        await sendEvents(exchange, { clock, end: anySignal([end.signal, over.signal]) }, (lastId, send) => {
          const from = /^\d{1,15}$/.test(lastId ?? '') ? Number(lastId) : 0
          tell(id, from, send, anySignal([exchange.signal, end.signal, over.signal]))
            .catch((err: unknown) => {
              if (!isAbort(err)) logger.warn('failed to tell of a job', { job: id, err })
            })
            .finally(() => over.abort())
          return () => over.abort()
        })
      } finally {
        streams -= 1
      }
    },
  }
}
