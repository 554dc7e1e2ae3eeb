import { type JobAnswer, jobKinds, type trackerAdmin } from '../../../lib/api/index.ts'
import { appError } from '../../../lib/base/index.ts'
import { followJob, hostName } from './follow-job.ts'
import { numberIn } from './options.ts'
import { ageText, fields, sizeText, table } from './sheet.ts'
import type { VerbOptions, VerbsOf } from './verb.ts'

type FleetCalls = Pick<typeof trackerAdmin, 'content' | 'order' | 'jobs' | 'job' | 'jobHosts' | 'cancelJob'>

const JOB = 'mcq1x2y3z-9f9f9f9f'

const countsText = (counts: Readonly<Record<string, number>>) =>
  Object.entries(counts)
    .filter(([, count]) => count > 0)
    .map(([name, count]) => `${count} ${name}`)
    .join(', ') || '-'

const bytesText = ({ doneBytes, bytes }: JobAnswer['progress']) => `${sizeText(doneBytes)} of ${sizeText(bytes)}`

const jobText = (job: JobAnswer, nowMs: number) =>
  fields({
    job: job.id,
    kind: job.kind,
    target: job.target,
    digest: job.digest,
    state: job.state,
    by: job.by,
    made: ageText(job.createdAtMs, nowMs),
    limit: ageText(job.untilMs, nowMs),
    ended: ageText(job.endedAtMs, nowMs),
    hosts: countsText(job.hosts),
    ...(job.holds !== undefined && { holds: countsText(job.holds) }),
    bytes: bytesText(job.progress),
    failures: countsText(job.failures),
  })

/** Words with commas between them. */
export const wordsIn = (text: string | undefined): readonly string[] | undefined =>
  text
    ?.split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '')

/** For which hosts a job is, as options. */
export const scopeOptions = {
  hosts: 'these hosts, with commas between them: ids, peer ids, addresses, or values of the label `host`',
  zone: 'the hosts of this zone',
  count: 'only so many of them, spread over the zones',
  percent: 'only this share of them',
  platforms: 'of an image for these platforms, as linux/amd64; default: that of each host',
  limitSeconds: 'what is not done after so many seconds has failed',
}

/** @throws CONFIG_INVALID */
export function scopeIn(options: VerbOptions) {
  const { zone } = options
  const [hosts, platforms] = [wordsIn(options['hosts']), wordsIn(options['platforms'])]
  const numbers = ['count', 'percent', 'atOnce', 'limitSeconds'].flatMap((name) => {
    const value = numberIn(options, name)
    return value === undefined ? [] : [[name, value] as const]
  })
  return {
    ...(hosts !== undefined && { hosts }),
    ...(zone !== undefined && { zone }),
    ...(platforms !== undefined && { platforms }),
    ...Object.fromEntries(numbers),
  }
}

/** @throws CONFIG_INVALID */
function orderBody(options: VerbOptions) {
  const { target, key, all } = options
  const kind = jobKinds.find((each) => each === options['kind'])
  if (kind === undefined) throw appError('CONFIG_INVALID', { message: `--kind is one of ${jobKinds.join(', ')}` })
  if (target === undefined) throw appError('CONFIG_INVALID', { message: 'say what: --target IMAGE|DIGEST' })
  return {
    ...{ kind, target, ...scopeIn(options) },
    ...(all !== undefined && { all: true as const }),
    ...(key !== undefined && { key }),
  }
}

/** `shoal admin tracker` about jobs: one entry for each call of the API. */
export const fleetVerbs: VerbsOf<FleetCalls> = {
  content: {
    example: 'content --target team/app:1.0 --platforms linux/amd64',
    show: ({ digest, image, items }) =>
      [
        fields({ digest, image: image ? 'yes' : 'no' }),
        table(items, [
          ['DIGEST', (item) => item.digest],
          ['SIZE', ({ size }) => (size === undefined ? '-' : sizeText(size))],
          ['TYPE', ({ mediaType }) => mediaType ?? '-'],
        ]),
      ].join('\n\n'),
  },
  order: {
    example: 'order --kind preload --target team/app:1.0 --zone cn-beijing-a --wait',
    note: 'Hosts come to every tracker: say it to one. Deleting an image also deletes layers that other images share.',
    options: {
      kind: jobKinds.join(', '),
      target: 'repository:tag, repository@digest, or the digest of a blob',
      ...scopeOptions,
      atOnce: 'hosts that work at the same time',
      key: 'any text: the same order with the same key is the same job',
    },
    flags: { all: 'all hosts', wait: 'print the progress until the job has ended' },
    body: orderBody,
    show: jobText,
    wait: followJob,
  },
  jobs: {
    example: 'jobs --state running',
    show: ({ jobs, next }, nowMs) =>
      table(jobs, [
        ['JOB', ({ id }) => id],
        ['KIND', ({ kind }) => kind],
        ['TARGET', ({ target }) => target],
        ['STATE', ({ state }) => state],
        ['HOSTS', ({ hosts }) => countsText(hosts)],
        ['MADE', ({ createdAtMs }) => ageText(createdAtMs, nowMs)],
        ['BY', ({ by }) => by],
      ]) + (next === undefined ? '' : `\n\nmore: --last ${next}`),
  },
  job: {
    example: `job ${JOB} --wait`,
    flags: { wait: 'print the progress until the job has ended' },
    show: jobText,
    wait: followJob,
  },
  jobHosts: {
    example: `job-hosts ${JOB} --state failed`,
    show: ({ hosts, next }) =>
      table(hosts, [
        ['HOST', hostName],
        ['ZONE', ({ zone }) => zone ?? '-'],
        ['STATE', ({ state }) => state],
        ['HOLDS', ({ holds }) => holds ?? '-'],
        ['BYTES', ({ progress }) => bytesText(progress)],
        ['TRIES', ({ attempts }) => String(attempts)],
        ['ERROR', ({ code }) => code ?? '-'],
      ]) + (next === undefined ? '' : `\n\nmore: --last ${next}`),
  },
  cancelJob: { example: `cancel-job ${JOB}`, show: jobText },
}
