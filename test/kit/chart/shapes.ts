import type { Values } from './helm.ts'

const bucket = { driver: 's3', bucket: 'images', region: 'eu-west-1' }
const resources = { requests: { cpu: '1', memory: '1Gi' }, limits: { memory: '2Gi' } }
const placed = {
  resources,
  nodeSelector: { pool: 'shoal' },
  tolerations: [{ key: 'dedicated', operator: 'Exists' }],
  affinity: {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [{ matchExpressions: [{ key: 'arch', operator: 'In', values: ['amd64'] }] }],
      },
    },
  },
}
const workload = {
  ...{ priorityClassName: 'important', podAnnotations: { team: 'images' } },
  serviceAccountAnnotations: { 'eks.amazonaws.com/role-arn': 'arn:aws:iam::1:role/shoal' },
  extraEnv: [{ name: 'AWS_EC2_METADATA_DISABLED', value: 'true' }],
  extraVolumes: [{ name: 'ca', configMap: { name: 'our-ca' } }],
  extraVolumeMounts: [{ name: 'ca', mountPath: '/etc/shoal/ca', readOnly: true }],
}

/** With everything that can be switched on. */
const everything: Values = {
  fullnameOverride: 'images',
  image: { repository: 'registry.example.com/shoal', tag: 'v1', pullSecrets: [{ name: 'pull' }] },
  registryNames: ['registry.example.com'],
  upstreams: ['docker.io', 'ghcr.io'],
  backend: {
    driver: 'tos',
    bucket: 'images',
    region: 'cn-beijing',
    credentials: { file: '/etc/shoal/backend/tos.json' },
  },
  backendCredentials: { secret: 'tos', as: 'files' },
  secrets: { peering: 'the-secret-of-other-clusters' },
  tls: { mode: 'certManager', issuer: { name: 'own', kind: 'ClusterIssuer' } },
  networkPolicy: { clients: [{ ipBlock: { cidr: '10.0.0.0/8' } }], nodes: ['10.1.0.0/16'] },
  monitoring: {
    serviceMonitor: { enabled: true, labels: { release: 'prometheus' } },
    alerts: { enabled: true, labels: { release: 'prometheus' } },
    dashboards: { enabled: true },
  },
  origins: { ...workload, ...placed, config: { zone: 'a', ingest: { fill: 'on' } }, storage: { storageClass: 'fast' } },
  trackers: { ...workload, ...placed, config: { policy: 'topology' }, storage: { storageClass: 'fast' } },
  buildIndexes: { ...workload, ...placed, config: { cluster: 'west', remotes: {} } },
  proxy: {
    ...{ ...workload, ...placed, config: { registry: { maxUploads: 100 } } },
    service: { type: 'LoadBalancer', port: 443, annotations: { a: 'b' }, loadBalancerSourceRanges: ['10.0.0.0/8'] },
  },
  agents: {
    ...{ ...workload, mode: 'both', config: { limits: { upload: '50MB/s' } } },
    node: { ...placed, config: { registry: { fill: true } }, storage: { kind: 'hostPath' } },
    cache: {
      ...{ ...placed, replicas: 4, storage: { kind: 'ephemeral', storageClass: 'fast' } },
      service: { type: 'LoadBalancer', annotations: { a: 'b' }, loadBalancerSourceRanges: ['10.0.0.0/8'] },
    },
    setup: { enabled: true },
  },
  controller: {
    ...{ ...workload, ...placed, enabled: true },
    config: { roles: ['names'], names: { base: 'c1.p2p.example.com' } },
  },
  manager: {
    ...{ ...workload, ...placed, enabled: true, replicas: 2, database: { secret: 'our-database', authorityKey: 'ca' } },
    config: { publicUrl: 'https://shoal.example.com', database: { driver: 'postgres', host: 'db.example.com' } },
    service: { type: 'LoadBalancer', port: 443, annotations: { a: 'b' }, loadBalancerSourceRanges: ['10.0.0.0/8'] },
  },
  join: { cluster: 'west' },
}

/** Values of the chart by the name of what they install. */
export const shapes: Readonly<Record<string, Values>> = {
  default: {},
  node: {
    ...{ backend: bucket, backendCredentials: { secret: 'bucket' }, networkPolicy: { enabled: false } },
    ...{ manager: { enabled: true }, join: { enabled: false } },
  },
  'node on the network of the host': {
    ...{ backend: bucket, bindAddress: '[::]', networkPolicy: { nodes: ['10.1.0.0/16'] } },
    agents: { node: { hostNetwork: true } },
  },
  cache: {
    ...{ backend: bucket, agents: { mode: 'cache' }, tls: { mode: 'secret', secret: 'own', authoritySecret: 'ca' } },
    ...{ join: { url: 'https://manager.example.com:59001', from: [{ ipBlock: { cidr: '10.9.0.0/16' } }] } },
    secrets: { join: 'a-token-that-the-manager-has-made' },
    ...{ priorityClass: { create: false }, podDisruptionBudget: { enabled: false }, tests: { enabled: false } },
  },
  both: {
    ...{ backend: bucket, agents: { mode: 'both', setup: { enabled: true, undo: false } }, upstreams: ['*'] },
    manager: { enabled: true },
    controller: {
      enabled: true,
      config: {
        roles: ['names'],
        names: { base: 'c1.p2p.example.com', zone: { driver: 'hosts', file: '/var/lib/shoal/names' } },
      },
    },
  },
  'secrets of somebody else': {
    ...{ secrets: { generate: false }, backendVolume: { create: false, existingClaim: 'images' } },
    ...Object.fromEntries(
      ['origins', 'trackers', 'buildIndexes', 'proxy', 'agents'].map((key) => [key, { existingSecret: `our-${key}` }]),
    ),
    manager: { enabled: true, existingSecret: 'our-manager' },
  },
  everything,
}
