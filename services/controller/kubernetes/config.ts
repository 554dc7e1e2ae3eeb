import { z } from 'zod'
import { baseUrl, duration } from '../../../lib/config/index.ts'
import type { ElectionTimings } from './election.ts'

/** What Kubernetes takes as a name of a namespace or of a lease. */
export const objectName = z
  .string()
  .regex(/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/, 'a name has lower-case letters, digits and dashes, at most 63')

/** How the API of the cluster is reached. */
export const kubernetesSchema = z
  .strictObject({
    /** `cluster`: as the service account of the own pod. `kubeconfig`: as a file says. */
    access: z.enum(['off', 'cluster', 'kubeconfig']).default('off'),
    /** Of `cluster`: where the API is. */
    server: baseUrl.prefault('https://kubernetes.default.svc'),
    /** Of `cluster`: the folder with `token`, `ca.crt` and `namespace`. */
    serviceAccount: z.string().min(1).default('/var/run/secrets/kubernetes.io/serviceaccount'),
    /** Path of the file of `kubeconfig`. */
    kubeconfig: z.string().min(1).exactOptional(),
    /** One of its contexts; default: its current one. */
    context: z.string().min(1).exactOptional(),
    /** Where the own objects are; default: that of the service account or of the context. */
    namespace: objectName.exactOptional(),
  })
  .refine(({ access, kubeconfig }) => access !== 'kubeconfig' || kubeconfig !== undefined, {
    path: ['kubeconfig'],
    message: 'access: kubeconfig needs the path of the file',
  })
  .prefault({})

const LEAST_RETRY_MS = 500
/** Kubernetes keeps whole seconds; what is longer leaves names to dead caches for a minute. */
const MOST_LEASE_MS = 60_000
/** A leader stops by its own clock before others may start by theirs: both may be wrong by a tenth. */
const LEASE_BY_RENEW = 1.25
/** A renewal is tried at least twice before the term ends. */
const RENEW_BY_RETRY = 2

/** For which lease a controller stands, and how fast another one follows. */
export const leaseSchema = z
  .strictObject({
    name: objectName.default('shoal-controller'),
    /** Others take it over when they have seen no renewal for so long. */
    duration: duration
      .refine((ms) => ms % 1000 === 0 && ms <= MOST_LEASE_MS, 'whole seconds, at most 60s')
      .prefault('6s'),
    /** A leader that could not renew it for so long leads no more. */
    renew: duration.prefault('4s'),
    /** Between two looks at it, or two renewals. */
    retry: duration.refine((ms) => ms >= LEAST_RETRY_MS, 'at least 500ms').prefault('1s'),
  })
  .refine(({ duration: lease, renew }) => lease >= renew * LEASE_BY_RENEW, {
    path: ['renew'],
    message: 'must be at most 0.8 of lease.duration: who led has to end before another one begins',
  })
  .refine(({ renew, retry }) => renew >= retry * RENEW_BY_RETRY, {
    path: ['retry'],
    message: 'must be at most half of lease.renew: a renewal is tried twice',
  })
  .prefault({})

export type LeaseConfig = z.output<typeof leaseSchema>

export const electionTimings = ({
  duration: leaseMs,
  renew: renewMs,
  retry: retryMs,
}: LeaseConfig): ElectionTimings => ({
  ...{ leaseMs, renewMs, retryMs },
})

export type KubernetesConfig = z.output<typeof kubernetesSchema>

/** More than anybody keeps in one file. */
const MAX_ENTRIES = 1000
const text = z.string().min(1).optional()
const anything = z.unknown().optional()

/** The parts of a kubeconfig that count here; those that are refused are named, and all others are left alone. */
export const kubeconfigSchema = z.object({
  'current-context': z.string().optional(),
  contexts: z
    .array(
      z.object({ name: z.string(), context: z.object({ cluster: z.string(), user: z.string(), namespace: text }) }),
    )
    .max(MAX_ENTRIES),
  clusters: z
    .array(
      z.object({
        name: z.string(),
        cluster: z.object({
          server: baseUrl,
          'certificate-authority': text,
          'certificate-authority-data': text,
          'insecure-skip-tls-verify': z.boolean().optional(),
          'tls-server-name': text,
          'proxy-url': text,
        }),
      }),
    )
    .max(MAX_ENTRIES),
  users: z
    .array(
      z.object({
        name: z.string(),
        user: z.object({
          token: text,
          tokenFile: text,
          'client-certificate': text,
          'client-certificate-data': text,
          'client-key': text,
          'client-key-data': text,
          exec: anything,
          'auth-provider': anything,
          username: text,
          as: text,
        }),
      }),
    )
    .max(MAX_ENTRIES),
})

export type Kubeconfig = z.output<typeof kubeconfigSchema>
