export { type AnnounceSchedule, type AnnounceSubject, announceSchedule } from './announce-schedule.ts'
