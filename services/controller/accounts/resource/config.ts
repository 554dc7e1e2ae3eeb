import { z } from 'zod'
import { cidrTrouble } from '../rules/cidr.ts'

/** Names of objects of Kubernetes, as RFC 1123 has them for subdomains. */
const subdomain = z
  .string()
  .max(253)
  .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/, 'it is no name of Kubernetes')

const quantity = z
  .string()
  .max(16)
  .regex(/^[1-9][0-9]{0,8}(m|k|M|G|T|Ki|Mi|Gi|Ti)?$/, 'write a whole quantity, such as 500m, 2 or 100Gi')

const MAX_CIDRS = 64
const cidr = z
  .string()
  .max(43)
  .regex(/^[0-9a-fA-F:.]+\/[0-9]{1,3}$/, 'write a network like 10.0.0.0/16')
  .superRefine((text, context) => {
    const trouble = cidrTrouble(text)
    if (trouble !== undefined) context.addIssue(trouble)
  })

const pod = {
  cpu: quantity.default('500m').describe('CPUs that each pod asks for.'),
  memory: quantity.default('1Gi').describe('Memory that each pod asks for, and may use at most.'),
}

const volume = (size: string) =>
  z
    .strictObject({
      size: quantity.default(size).describe('Of each pod. It cannot be changed later.'),
      storageClass: subdomain.optional().describe('Default: that of the cluster.'),
    })
    .prefault({})

const backend = z.strictObject({
  driver: z.enum(['s3', 'tos']),
  bucket: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{1,61}[A-Za-z0-9]$/, 'a bucket is a name, not a URL or an ARN'),
  region: z.string().regex(/^[a-z0-9-]{1,64}$/, 'a region is like cn-beijing'),
  /** Default: that of the region. */
  endpoint: z
    .string()
    .max(253)
    .regex(/^https?:\/\/[A-Za-z0-9.-]+(:[0-9]{1,5})?$/, 'write the endpoint like https://tos-cn-beijing.ivolces.com')
    .refine((text) => URL.canParse(text), 'it is no URL; its port is at most 65535')
    .optional(),
  pathStyle: z.boolean().default(false).describe('Of s3: the name of the bucket is in the path.'),
  internal: z.boolean().default(false).describe('Of tos: the endpoint within the private network of the region.'),
  credentials: z.strictObject({
    secretName: subdomain.describe(
      'A Secret beside this object, with accessKeyId and secretAccessKey, and perhaps sessionToken.',
    ),
  }),
  networks: z.array(cidr).min(1).max(MAX_CIDRS).default(['0.0.0.0/0']).describe('Networks in which the backend is.'),
})

const limits = z.strictObject({
  cpu: quantity.optional().describe('CPUs that all pods together may ask for.'),
  memory: quantity.optional(),
  storage: quantity.optional().describe('Of all volumes together.'),
})

const network = z
  .strictObject({
    loadBalancer: z
      .boolean()
      .default(false)
      .describe('Each pod of trackers, origins and build-indexes is reached through a load balancer of its own.'),
    annotations: z
      .record(z.string().max(316), z.string().max(1024))
      .optional()
      .describe('Of those Services, as the cloud wants them.'),
    allowedCidrs: z
      .array(cidr)
      .max(MAX_CIDRS)
      .default([])
      .describe('Networks of the nodes of the account: only they reach its components.'),
    /** Further names by which the components are called from there; their certificates have them. */
    hosts: z
      .array(
        z
          .string()
          .max(253)
          .regex(/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/, 'a host is a name or an IPv4 address'),
      )
      .max(16)
      .default([]),
  })
  .prefault({})

const MAX_ORIGINS = 32
const MAX_OTHERS = 9

/** What the resource `ControlPlane` asks for; the custom resource definition is made of it. */
export const controlPlaneSpec = z.strictObject({
  version: z
    .string()
    .regex(/^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/, 'it is no tag of an image')
    .describe('Tag of the image.'),
  paused: z.boolean().default(false).describe('Nothing is changed while it is true, but for the deletion.'),
  deletionPolicy: z
    .enum(['Retain', 'Delete'])
    .default('Retain')
    .describe('What becomes of volumes and secrets when this object is deleted; the bucket is never touched.'),
  backend,
  durability: z
    .enum(['backend', 'replicas'])
    .default('backend')
    .describe('When a push is acknowledged: as `backends[].durability` of an origin.'),
  trackers: z
    .strictObject({ replicas: z.int().min(1).max(MAX_OTHERS).default(2), ...pod, volume: volume('1Gi') })
    .prefault({}),
  origins: z
    .strictObject({ replicas: z.int().min(1).max(MAX_ORIGINS).default(3), ...pod, volume: volume('100Gi') })
    .prefault({}),
  buildIndexes: z.strictObject({ replicas: z.int().min(1).max(MAX_OTHERS).default(2), ...pod }).prefault({}),
  limits: limits.prefault({}).describe('Most of the cluster that the account may use. Default: what it asks for.'),
  network,
})

export type ControlPlaneSpec = z.output<typeof controlPlaneSpec>

/** What a resource asks for, with all defaults; or in words why it cannot be. */
export function parseSpec(spec: unknown): ControlPlaneSpec | string {
  const parsed = controlPlaneSpec.safeParse(spec)
  return parsed.success
    ? parsed.data
    : parsed.error.issues.map(({ path, message }) => `${['spec', ...path].join('.')}: ${message}`).join('; ')
}
