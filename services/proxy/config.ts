import { z } from 'zod'
import { checkScope, jobScopeKeys } from '../../lib/api/index.ts'
import { byteSize, listenerOff, memberList, repositoryPattern, secretText } from '../../lib/config/index.ts'
import { frontManagerKey } from '../../lib/joining/index.ts'
import { commonKeys, listenerOf, rings, secretsOf } from '../../lib/service/index.ts'
import { accessSchema } from './access/config.ts'

/** Every key of a proxy; `config/proxy/base.yaml` shows them with their defaults. */
export const proxySchema = z.strictObject({
  ...commonKeys,
  secrets: secretsOf('proxy'),
  registry: z
    .strictObject({
      /** Where docker and other clients push to and pull from. */
      listener: listenerOf('proxy', 'registry'),
      /** Values of `ns` (the host in an image's name) that mean this cluster. */
      ownNames: z.array(z.string().min(1)).default([]),
      /** Uploads under way at the same time. */
      maxUploads: z.number().int().min(1).max(100_000).default(512),
      /** Downloads of blobs under way at the same time. */
      maxDownloads: z.number().int().min(1).max(100_000).default(1024),
      /** One client may have at most this share of both. */
      clientShare: z.number().gt(0).max(1).default(0.5),
      /** Requests per second that one client may send, besides pings; default any number. */
      clientRequests: z.number().min(0.1).max(100_000).exactOptional(),
      /** Patterns of repositories into which an index may be pushed without the manifests that it names. */
      sparseIndexes: z.array(repositoryPattern).default([]),
      /** Who may do what in which repository. */
      access: accessSchema,
      /** Signs the Locations of uploads; all proxies of a cluster must use the same secret. */
      uploadSecret: z.string().min(16, 'a secret has at least 16 characters').exactOptional(),
    })
    .prefault({}),
  /** Probes and metrics. */
  ops: listenerOf('proxy', 'ops'),
  /** The admin API. */
  admin: listenerOf('proxy', 'admin'),
  /** The manager that it joins, if there is one. */
  manager: frontManagerKey,
  /** Kraken's own paths: notifications of registries and prefetches. */
  kraken: listenerOff,
  /** Hosts that fetch what a notification names, when the origins were asked for it; none: only the origins do. */
  preload: z
    .strictObject({
      /** The admin listeners of the trackers. */
      trackers: memberList,
      /** Their `admin` secret. */
      secret: secretText.transform((value) => () => value).exactOptional(),
      ...jobScopeKeys,
    })
    .superRefine(checkScope)
    .exactOptional(),
  origins: rings.origins,
  buildIndexes: rings.buildIndexes,
  cache: z
    .strictObject({
      /** Bytes of manifests kept in memory; the manifest of a digest never changes. */
      manifests: byteSize.prefault('64MiB'),
    })
    .prefault({}),
})

export type ProxyConfig = z.output<typeof proxySchema>
