import type { AdminClient, JobAnswer, JobHostAnswer, trackerAdmin } from '../../../lib/api/index.ts'
import { appError, systemClock } from '../../../lib/base/index.ts'
import { sizeText } from './sheet.ts'

type Tracker = Pick<AdminClient<typeof trackerAdmin>, 'job' | 'jobHosts'>

/** Between two looks at a job. */
const LOOK_MS = 1_000
/** Hosts on a page of an answer. */
const PAGE = '1000'

export const isOver = ({ state }: JobAnswer): boolean => state !== 'waiting' && state !== 'running'

/** All hosts of a job that fit. */
export async function hostsOf(
  tracker: Tracker,
  id: string,
  filter: { readonly state?: string; readonly holds?: string } = {},
): Promise<readonly JobHostAnswer[]> {
  const all: JobHostAnswer[] = []
  let last: string | undefined
  do {
    const { hosts, next } = await tracker.jobHosts({ id, n: PAGE, last, ...filter })
    all.push(...hosts)
    last = next
  } while (last !== undefined)
  return all
}

/** The name of a host for people. */
export const hostName = ({ label, named, address, host }: JobHostAnswer): string =>
  [label ?? named ?? host, address].filter((part) => part !== undefined).join(' ')

const percent = ({ bytes, doneBytes }: JobHostAnswer['progress']) =>
  bytes === 0 ? '' : `, ${Math.floor((100 * doneBytes) / bytes)} % of ${sizeText(bytes)}`

export const hostLine = (host: JobHostAnswer): string =>
  `${hostName(host)}: ${host.state}${host.code === undefined ? '' : ` (${host.code})`}${percent(host.progress)}`

export function jobLine({ hosts, progress }: JobAnswer): string {
  const numbers = Object.entries(hosts).filter(([, count]) => count > 0)
  const states = numbers.map(([state, count]) => `${count} ${state}`).join(', ')
  return `hosts: ${states}${percent(progress)}`
}

/** Looks at a job until it has ended. Gives each answer that says something new. */
export async function* looks(tracker: Tracker, first: JobAnswer): AsyncGenerator<JobAnswer> {
  const clock = systemClock()
  let told = ''
  for (let job = first; ; job = await tracker.job({ id: first.id })) {
    const line = JSON.stringify([job.hosts, job.progress])
    if (line !== told || isOver(job)) yield job
    told = line
    if (isOver(job)) return
    await clock.sleep(LOOK_MS)
  }
}

/** Lines on the progress of a job and of each host that works or has ended. @throws JOB_FAILED when hosts have not done it */
export async function* followJob(tracker: Tracker, first: JobAnswer): AsyncGenerator<string> {
  const told = new Map<string, string>()
  for await (const job of looks(tracker, first)) {
    yield jobLine(job)
    for (const host of await hostsOf(tracker, first.id)) {
      const line = hostLine(host)
      if (host.state !== 'waiting' && told.get(host.host) !== line) yield line
      told.set(host.host, line)
    }
    if (isOver(job)) assertDone(job)
  }
}

/** @throws JOB_FAILED */
export function assertDone({ id, state, hosts }: JobAnswer): void {
  if (state === 'done') return
  const missing = hosts.failed + hosts.cancelled
  throw appError('JOB_FAILED', { message: `${missing} hosts have not done it; see: job-hosts ${id} --state failed` })
}
