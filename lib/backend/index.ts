export type { Backend, ObjectPage, ObjectRead, ObjectStat, WriteOptions } from './backend.ts'
