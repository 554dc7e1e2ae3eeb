import { z } from 'zod'
import { commonKeys, listenerOf, secretsOf } from '../../lib/service/index.ts'
import { accountsSchema } from './accounts/index.ts'
import { kubernetesSchema, leaseSchema } from './kubernetes/index.ts'
import { namesSchema } from './names/index.ts'

/** The roles that a controller can have, each a folder beside this file. */
export const roleNames = ['names', 'accounts'] as const satisfies readonly string[]
export type RoleName = (typeof roleNames)[number]

const areDistinct = (names: readonly string[]) => new Set(names).size === names.length

/** Every key of a controller; `config/controller/base.yaml` shows them with their defaults. */
export const controllerSchema = z
  .strictObject({
    ...commonKeys,
    secrets: secretsOf('controller'),
    /** Probes and metrics. */
    ops: listenerOf('controller', 'ops'),
    /** The admin API. */
    admin: listenerOf('controller', 'admin'),
    /** How it reaches the API of its cluster. */
    kubernetes: kubernetesSchema,
    /** Of all controllers with the same lease, one works and the others wait. */
    lease: leaseSchema,
    /** What it does. */
    roles: z.array(z.enum(roleNames)).refine(areDistinct, 'a role is named twice').default([]),
    /** Of the role `names`: which caches are found by which names, and where their records are kept. */
    names: namesSchema,
    /** Of the role `accounts`: control planes of accounts, and where they are. */
    accounts: accountsSchema,
  })
  .refine(({ kubernetes, roles }) => kubernetes.access !== 'off' || roles.length === 0, {
    path: ['kubernetes', 'access'],
    message: 'a role needs a cluster: set access to cluster or kubeconfig',
  })
  .refine(({ names, roles }) => names.base !== undefined || !roles.includes('names'), {
    path: ['names', 'base'],
    message: 'the role names needs the name that it is to keep, such as c1.p2p.example.com',
  })
  .refine(({ accounts, roles }) => accounts.image !== undefined || !roles.includes('accounts'), {
    path: ['accounts', 'image'],
    message: 'the role accounts needs the image that it is to run, such as registry.example.com/shoal',
  })

export type ControllerConfig = z.output<typeof controllerSchema>
