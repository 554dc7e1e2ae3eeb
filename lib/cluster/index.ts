export type { Cluster, Member } from './cluster.ts'
