import type { FoundRecord } from './rules/plan.ts'

/** What makes two A records the same. */
export type RecordKey = Pick<FoundRecord, 'name' | 'address'>

export const recordKey = ({ name, address }: RecordKey): string => `${name} ${address}`
