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
  /** CPUs that each pod asks for. */
  cpu: quantity.default('500m'),
  /** Memory that each pod asks for, and may use at most. */
  memory: quantity.default('1Gi'),
}

const volume = (size: string) =>
  z
    .strictObject({
      /** Of each pod. It cannot be changed later. */
      size: quantity.default(size),
      /** Default: that of the cluster. */
      storageClass: subdomain.optional(),
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
    .optional(),
  /** Of s3: the name of the bucket is in the path. */
  pathStyle: z.boolean().default(false),
  /** Of tos: the endpoint within the private network of the region. */
  internal: z.boolean().default(false),
  credentials: z.strictObject({
    /** A Secret beside this object, with accessKeyId and secretAccessKey, and perhaps sessionToken. */
    secretName: subdomain,
  }),
  /** Networks in which the backend is. */
  networks: z.array(cidr).min(1).max(MAX_CIDRS).default(['0.0.0.0/0']),
})

const limits = z.strictObject({
  /** CPUs that all pods together may ask for. */
  cpu: quantity.optional(),
  memory: quantity.optional(),
  /** Of all volumes together. */
  storage: quantity.optional(),
})

const network = z
  .strictObject({
    /** Each of trackers, origins and build-indexes is reached through a load balancer of its own. */
    loadBalancer: z.boolean().default(false),
    /** Of those Services, as the cloud wants them. */
    annotations: z.record(z.string().max(316), z.string().max(1024)).optional(),
    /** Networks of the nodes of the account: only they reach its components. */
    allowedCidrs: z.array(cidr).max(MAX_CIDRS).default([]),
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
  /** Tag of the image. */
  version: z.string().regex(/^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/, 'it is no tag of an image'),
  /** Nothing is changed while it is true, but for the deletion. */
  paused: z.boolean().default(false),
  /** What becomes of volumes and secrets when this object is deleted; the bucket is never touched. */
  deletionPolicy: z.enum(['Retain', 'Delete']).default('Retain'),
  backend,
  /** When a push is acknowledged: as `backends[].durability` of an origin. */
  durability: z.enum(['backend', 'replicas']).default('backend'),
  trackers: z
    .strictObject({ replicas: z.int().min(1).max(MAX_OTHERS).default(2), ...pod, volume: volume('1Gi') })
    .prefault({}),
  origins: z
    .strictObject({ replicas: z.int().min(1).max(MAX_ORIGINS).default(3), ...pod, volume: volume('100Gi') })
    .prefault({}),
  buildIndexes: z.strictObject({ replicas: z.int().min(1).max(MAX_OTHERS).default(2), ...pod }).prefault({}),
  /** Most of the cluster that the account may use. Default: what it asks for. */
  limits: limits.prefault({}),
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
