import type { JobPartAnswer, JobSpec, ManagedJobAnswer } from '../../../lib/api/index.ts'
import type { Job, JobSums, Part } from './model.ts'

const given = (fields: Readonly<Record<string, unknown>>) =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))

/** A job as the API shows it. */
export function jobAnswer(job: Job, { rows, bytes, doneBytes }: JobSums): ManagedJobAnswer {
  const { id, number, kind, state, spec, actor, createdAtMs, untilMs } = job
  const { schedule, startedAtMs, endedAtMs, cancelAtMs, code, message } = job
  return {
    ...{ id, number, kind, state, spec, by: actor, createdAtMs, untilMs, rows, bytes, doneBytes },
    ...given({ schedule, startedAtMs, endedAtMs, cancelAtMs, code, message }),
  }
}

/** Targets, and URLs, of a job that a list names. */
const SHOWN = 5

/** A job in a list: hosts are counted, since there may be thousands, and of many targets the first are named. */
export function jobLine(job: ManagedJobAnswer): ManagedJobAnswer {
  const { hosts, targets, urls, ...spec } = job.spec as JobSpec
  const first = (name: 'targets' | 'urls', all: readonly string[] | undefined) =>
    all === undefined
      ? {}
      : { [name]: all.slice(0, SHOWN), ...(all.length > SHOWN && { [`${name}Count`]: all.length }) }
  return {
    ...job,
    spec: {
      ...spec,
      ...first('targets', targets),
      ...first('urls', urls),
      ...(hosts !== undefined && { named: hosts.length }),
    },
  }
}

export const partAnswer = ({
  n,
  cluster,
  step,
  spec,
  state,
  member,
  remoteId,
  code,
  message,
}: Part): JobPartAnswer => ({
  ...{ n, cluster, step, state },
  // What a part that asks a registry keeps there is a sign of life.
  ...given({ target: spec.target ?? spec.url, member, ...(step !== 'resolve' && { remoteId }), code, message }),
})
