import { z } from 'zod'

/** Objects of Kubernetes are judged by its API server. */
const object = z.record(z.string(), z.unknown())
const objects = z.array(object)
const texts = z.record(z.string(), z.string())
const text = z.string()
/** A quantity of Kubernetes: `500m`, `64Gi`, 2. */
const quantity = z.union([z.string().regex(/^\d+(\.\d+)?(m|k|Ki|M|Mi|G|Gi|T|Ti|P|Pi)?$/), z.number()])
const count = z.int().min(0)
const port = z.int().min(1).max(65_535)
const url = z.string().regex(/^https?:\/\/[^/\s]+$/)

/** The schema of the config of a service, which stands among the definitions. */
const config = (service: string, of: 'config' | 'secretConfig') =>
  z.unknown().meta({ $ref: `#/definitions/${service}.${of}` })

const resources = z.strictObject({ requests: z.record(text, quantity), limits: z.record(text, quantity) }).partial()

const placement = { resources, nodeSelector: texts, tolerations: objects, affinity: object }

const workload = (service: string) => ({
  config: config(service, 'config'),
  secretConfig: config(service, 'secretConfig'),
  existingSecret: text,
  priorityClassName: text,
  podAnnotations: texts,
  serviceAccountAnnotations: texts,
  extraEnv: objects,
  extraVolumes: objects,
  extraVolumeMounts: objects,
})

const service = z
  .strictObject({
    type: z.enum(['ClusterIP', 'NodePort', 'LoadBalancer']),
    port,
    annotations: texts,
    loadBalancerSourceRanges: z.array(text),
  })
  .partial()

const volume = { size: quantity, storageClass: text }
const capacity = z.union([text, count])
const replicas = z.int().min(1)

const monitoring = z
  .strictObject({
    serviceMonitor: z.strictObject({ enabled: z.boolean(), interval: text, labels: texts }).partial(),
    alerts: z.strictObject({ enabled: z.boolean(), labels: texts }).partial(),
    dashboards: z.strictObject({ enabled: z.boolean(), labels: texts }).partial(),
  })
  .partial()

const tls = z
  .strictObject({
    mode: z.enum(['none', 'secret', 'certManager']),
    secret: text,
    authoritySecret: text,
    issuer: z.strictObject({ name: text, kind: text, group: text }).partial(),
    duration: text,
    renewBefore: text,
  })
  .partial()

const nodeAgents = z
  .strictObject({
    config: config('agent', 'config'),
    hostIP: text,
    hostPort: port,
    hostNetwork: z.boolean(),
    storage: z.strictObject({ kind: z.enum(['emptyDir', 'hostPath']), path: text, size: quantity, capacity }).partial(),
    maxUnavailable: z.union([count, z.string().regex(/^\d+%$/)]),
    ...placement,
  })
  .partial()

const cacheAgents = z
  .strictObject({
    replicas,
    config: config('agent', 'config'),
    terminationGracePeriodSeconds: count,
    storage: z.strictObject({ kind: z.enum(['emptyDir', 'ephemeral']), ...volume, capacity }).partial(),
    service,
    ...placement,
  })
  .partial()

const setup = z
  .strictObject({
    enabled: z.boolean(),
    undo: z.boolean(),
    undoTimeout: z.string().regex(/^\d+(s|m)$/),
    fallback: z.union([z.enum(['yes', 'no']), url]),
    configFolder: text,
    stateFolder: text,
  })
  .partial()

const agents = z
  .strictObject({
    mode: z.enum(['node', 'cache', 'both']),
    ...workload('agent'),
    virtualNodes: z.record(text, z.array(text).min(1)),
    node: nodeAgents,
    cache: cacheAgents,
    setup,
  })
  .partial()

const manager = z
  .strictObject({
    ...{ enabled: z.boolean(), replicas, service },
    storage: z.strictObject(volume).partial(),
    database: z.strictObject({ secret: text, passwordKey: text, authorityKey: text }).partial(),
    ...workload('manager'),
    ...placement,
  })
  .partial()

const secret = z.union([z.literal(''), z.string().regex(/^[\x21-\x7e]{16,256}$/)])

/** The values of the chart: their form, as docker/chart/values.yaml shows them. All have a default there. */
export const chartValues = z
  .strictObject({
    nameOverride: text,
    fullnameOverride: text,
    global: object,
    image: z
      .strictObject({
        repository: text,
        tag: text,
        pullPolicy: z.enum(['Always', 'IfNotPresent', 'Never']),
        pullSecrets: objects,
      })
      .partial(),
    clusterDomain: text,
    bindAddress: text,
    registryNames: z.array(text),
    upstreams: z.array(text),
    backend: z.unknown().meta({ anyOf: [{ type: 'object', maxProperties: 0 }, { $ref: '#/definitions/backend' }] }),
    backendVolume: z
      .strictObject({
        create: z.boolean(),
        existingClaim: text,
        storageClass: text,
        accessMode: z.enum(['ReadWriteOnce', 'ReadWriteMany', 'ReadWriteOncePod']),
        size: quantity,
      })
      .partial(),
    backendCredentials: z.strictObject({ secret: text, as: z.enum(['environment', 'files']) }).partial(),
    secrets: z
      .strictObject({
        generate: z.boolean(),
        ...{ node: secret, service: secret, read: secret, push: secret, adminRead: secret, admin: secret },
        ...{ agentAdmin: secret, upload: secret, peering: secret, join: secret, seal: secret },
      })
      .partial(),
    tls,
    networkPolicy: z
      .strictObject({ enabled: z.boolean(), clients: objects, metrics: objects, nodes: z.array(text) })
      .partial(),
    podDisruptionBudget: z.strictObject({ enabled: z.boolean() }).partial(),
    priorityClass: z.strictObject({ create: z.boolean(), services: z.int(), agents: z.int() }).partial(),
    monitoring,
    tests: z.strictObject({ enabled: z.boolean(), secret: text }).partial(),
    origins: z
      .strictObject({
        replicas,
        storage: z.strictObject({ ...volume, capacity }).partial(),
        ...workload('origin'),
        ...placement,
      })
      .partial(),
    trackers: z
      .strictObject({
        replicas,
        storage: z.strictObject(volume).partial(),
        ...workload('tracker'),
        ...placement,
      })
      .partial(),
    buildIndexes: z.strictObject({ replicas, ...workload('build-index'), ...placement }).partial(),
    proxy: z.strictObject({ replicas, service, ...workload('proxy'), ...placement }).partial(),
    agents,
    controller: z.strictObject({ enabled: z.boolean(), replicas, ...workload('controller'), ...placement }).partial(),
    manager,
    join: z
      .strictObject({
        ...{ enabled: z.boolean(), url: z.union([z.literal(''), url]), cluster: text, insecure: z.boolean() },
        from: objects,
      })
      .partial(),
  })
  .partial()
