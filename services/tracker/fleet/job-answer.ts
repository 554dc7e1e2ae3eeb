import type { JobAnswer, JobHostAnswer, JobState } from '../../../lib/api/index.ts'
import { repositoryText } from '../../../lib/core/index.ts'
import type { Row } from './job-row.ts'
import type { JobRun } from './job-run.ts'
import { holdingOf, sumOf } from './progress.ts'

/** A job as admins see it. */
export function jobAnswer(run: JobRun): JobAnswer {
  const { ended, repository, manifest, ...job } = run.job
  const { id, kind, target, digest, size, scope, platforms, atOnce, by, createdAtMs, untilMs } = job
  const hosts: Record<JobState, number> = { waiting: 0, running: 0, done: 0, failed: 0, cancelled: 0 }
  const holds = { nothing: 0, part: 0, whole: 0 }
  const failures: Record<string, number> = {}
  for (const { kept } of run.rows) {
    hosts[kept.state] += 1
    if (kept.state === 'done') holds[holdingOf(kept.progress)] += 1
    if (kept.state === 'failed' && kept.code !== undefined) failures[kept.code] = (failures[kept.code] ?? 0) + 1
  }
  return {
    ...{ id, kind, target, digest, size, scope, platforms, atOnce, by, createdAtMs, untilMs },
    ...(repository !== undefined && { repository: repositoryText(repository) }),
    image: manifest !== undefined,
    state: run.state,
    ...(ended !== undefined && { endedAtMs: ended.atMs }),
    hosts,
    ...(kind === 'query' && { holds }),
    progress: sumOf(run.rows.map(({ kept }) => kept.progress)),
    failures,
  }
}

/** A job in a list or an event: names of hosts are counted, since there may be thousands. */
export function jobLine(run: JobRun): JobAnswer {
  const { scope, ...answer } = jobAnswer(run)
  const { hosts, ...others } = scope
  return { ...answer, scope: hosts === undefined ? scope : { ...others, named: hosts.length } }
}

/** One of its hosts. */
export function jobHostAnswer({ job }: JobRun, { kept }: Row): JobHostAnswer {
  const told = job.kind === 'query' && kept.state === 'done'
  return { ...kept, ...(told && { holds: holdingOf(kept.progress) }) }
}
