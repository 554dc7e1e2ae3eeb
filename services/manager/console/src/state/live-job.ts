import { type Signal, useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { isOpen, type JobProgress, noProgress, withJob, withRows } from '../pure/job-state.ts'
import type { Job, JobRow } from './jobs.ts'
import type { Link } from './live.ts'
import { put } from './put.ts'

/** Rows come in bursts: so many milliseconds of them are shown together. */
const BURST_MS = 100

export interface LiveJob {
  readonly progress: Signal<JobProgress>
  readonly link: Signal<Link>
}

const dataOf = (event: Event): unknown => JSON.parse((event as MessageEvent<string>).data)

/** Follows a job by its stream of events, from its first row on; the browser comes back by itself when it breaks. */
export function useLiveJob(url: string, everyOrigin: boolean): LiveJob {
  const progress = useSignal<JobProgress>(noProgress)
  const link = useSignal<Link>('opening')
  useEffect(() => {
    progress.value = noProgress
    link.value = 'opening'
    let rows: JobRow[] = []
    let timer: ReturnType<typeof setTimeout> | undefined
    const show = () => {
      timer = undefined
      progress.value = withRows(progress.peek(), rows.splice(0), everyOrigin)
    }
    const source = new EventSource(url)
    source.addEventListener('open', () => put(link, 'open'))
    source.addEventListener('row', (event) => {
      rows.push(dataOf(event) as JobRow)
      timer ??= setTimeout(show, BURST_MS)
    })
    source.addEventListener('job', (event) => {
      progress.value = withJob(progress.peek(), dataOf(event) as Job, Date.now())
    })
    source.addEventListener('error', () => {
      // The manager closes the stream once all is told of a job that has ended.
      const { job } = progress.peek()
      const over = job !== undefined && !isOpen(job.state)
      if (over) source.close()
      put(link, over ? 'ended' : 'away')
    })
    return () => {
      clearTimeout(timer)
      rows = []
      source.close()
    }
  }, [url, everyOrigin])
  return { progress, link }
}
