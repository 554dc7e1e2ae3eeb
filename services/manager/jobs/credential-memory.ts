import type { JobCredentials } from '../../../lib/api/index.ts'

/**
 * What somebody has shown for a job, in the memory of this process alone: never in a row, a log or an answer. Whoever does the job
 * elsewhere, or after a restart, does not have it.
 */
export interface CredentialMemory {
  keep(job: string, credentials: JobCredentials): void
  of(job: string): JobCredentials | undefined
  forget(job: string): void
}

export function credentialMemory(): CredentialMemory {
  const kept = new Map<string, JobCredentials>()
  return {
    keep: (job, credentials) => void kept.set(job, credentials),
    of: (job) => kept.get(job),
    forget: (job) => void kept.delete(job),
  }
}
