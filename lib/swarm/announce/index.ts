export type { AnnounceSchedule, AnnounceSubject } from './announce-contract.ts'
export { announceSchedule } from './announce-schedule.ts'
