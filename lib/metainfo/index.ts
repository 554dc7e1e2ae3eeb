export type { MetainfoRecord } from './metainfo-record.ts'
