import { z } from 'zod'
import { commonKeys, listenerOf, secretsOf } from '../../lib/service/index.ts'
import { kubernetesSchema, objectName } from './kubernetes/index.ts'

/** The roles that a controller can have, each a folder beside this file. */
const roleNames = [] as const satisfies readonly string[]

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
    lease: z.strictObject({ name: objectName.default('shoal-controller') }).prefault({}),
    /** What it does. */
    roles: z.array(z.enum(roleNames)).refine(areDistinct, 'a role is named twice').default([]),
  })
  .refine(({ kubernetes, roles }) => kubernetes.access !== 'off' || roles.length === 0, {
    path: ['kubernetes', 'access'],
    message: 'a role needs a cluster: set access to cluster or kubeconfig',
  })

export type ControllerConfig = z.output<typeof controllerSchema>
