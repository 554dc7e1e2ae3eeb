export { entryFaults, type UpstreamEntry, upstreamEntrySchema } from './config.ts'
export { guard } from './guard.ts'
