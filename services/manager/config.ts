import { z } from 'zod'
import { baseUrl, duration } from '../../lib/config/index.ts'
import { commonKeys, listenerOf, secretsOf } from '../../lib/service/index.ts'
import { clustersSchema } from './clusters/config.ts'
import { databaseSchema } from './database/index.ts'
import { jobsSchema } from './jobs/config.ts'
import { peopleSchema } from './people/index.ts'
import { settingsKey } from './settings/config.ts'

/** Every key of a manager; `config/manager/base.yaml` shows them with their defaults. */
export const managerSchema = z
  .strictObject({
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
    /** Where it keeps what it knows. */
    database: databaseSchema,
    /** Where people find it, if that is not the address of its listener: for links, and for providers that send people back. */
    publicUrl: baseUrl.exactOptional(),
    /** Who may come in. */
    people: peopleSchema,
    /** Clusters, and the services that join. */
    clusters: clustersSchema,
    /** Jobs, and what begins them. */
    jobs: jobsSchema,
    /** Settings of clusters, and how they are rolled out. */
    settings: settingsKey,
    audit: z
      .strictObject({
        /** How long is kept who has changed what. */
        keep: duration.refine((ms) => ms > 0, 'more than 0').prefault('365d'),
      })
      .prefault({}),
  })
  .refine(({ people, publicUrl }) => people.oidc === undefined || publicUrl !== undefined, {
    path: ['publicUrl'],
    message: 'providers send people back to it: give the address of the manager as people see it',
  })

export type ManagerConfig = z.output<typeof managerSchema>
