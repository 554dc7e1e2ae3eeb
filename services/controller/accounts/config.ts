import { z } from 'zod'
import { duration } from '../../../lib/config/index.ts'
import { objectName } from '../kubernetes/index.ts'
import { cidrTrouble } from './rules/cidr.ts'

const cidr = z.string().superRefine((text, context) => {
  const trouble = cidrTrouble(text)
  if (trouble !== undefined) context.addIssue(trouble)
})

const DAY_MS = 24 * 60 * 60_000

/** What the role `accounts` looks after, and how. */
export const accountsSchema = z
  .strictObject({
    /** Where the resources are. Default: the namespace of the controller. */
    namespace: objectName.exactOptional(),
    /** Namespaces of accounts begin with it. */
    prefix: objectName.max(16, 'at most 16 characters').default('shoal'),
    /** Repository of the image; each account says its tag. */
    image: z
      .string()
      .max(255)
      .regex(/^[a-z0-9][a-z0-9.:/_-]*$/, 'an image without its tag, such as registry.example.com/shoal')
      .exactOptional(),
    /** Accounts that are worked on at the same time. */
    parallel: z.int().min(1).max(64).default(8),
    /** From one look at all objects of an account to the next; what changes is looked at at once. */
    resync: duration.refine((ms) => ms >= 10_000 && ms <= DAY_MS, 'at least 10s, and at most 1d').prefault('5m'),
    /** The domain of the cluster's own DNS. */
    clusterDomain: z
      .string()
      .max(128)
      .regex(/^[a-z0-9-]+(\.[a-z0-9-]+)*$/, 'a domain is like cluster.local')
      .default('cluster.local'),
    /** Networks of the pods and Services of this cluster: what an account allows never means them. */
    clusterNetworks: z.array(cidr).max(16).default([]),
    /** Name servers outside the namespace kube-system. */
    nameServers: z.array(cidr).max(16).default(['169.254.20.10/32']),
    /** Annotations of balancers that accounts may set. Some take names or balancers of others: none is let through unasked. */
    annotations: z.array(z.string().min(1).max(316)).max(64).default([]),
  })
  .prefault({})

export type AccountsConfig = z.output<typeof accountsSchema>
