import type { JobPartAnswer, ManagedJobAnswer } from '../../../lib/api/index.ts'
import type { JobSums } from './job-store.ts'
import type { Job, Part } from './model.ts'

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
  ...given({ target: spec.target ?? spec.url, member, remoteId, code, message }),
})
