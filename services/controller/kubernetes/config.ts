import { z } from 'zod'
import { baseUrl } from '../../../lib/config/index.ts'

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
