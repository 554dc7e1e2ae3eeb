import { z } from 'zod'
import { commonKeys, listenerOf, secretsOf } from '../../lib/service/index.ts'
import { clustersSchema } from './clusters/config.ts'
import { jobsSchema } from './jobs/config.ts'

/** Every key of a manager; `config/manager/base.yaml` shows them with their defaults. */
export const managerSchema = z.strictObject({
  ...commonKeys,
  secrets: secretsOf('manager'),
  /** The API for people and their tools. */
  http: listenerOf('manager', 'http'),
  /** Probes and metrics. */
  ops: listenerOf('manager', 'ops'),
  /** The same API for whoever has a secret of admins. */
  admin: listenerOf('manager', 'admin'),
  /** Where the embedded database is. One process per folder. */
  folder: z.string().min(1).default('data/manager'),
  /** Clusters, and the services that join. */
  clusters: clustersSchema,
  /** Jobs, and what begins them. */
  jobs: jobsSchema,
})

export type ManagerConfig = z.output<typeof managerSchema>
