export { type TrackerConfig, trackerSchema } from './config.ts'
export { run } from './main.ts'
export { type TrackerComponents, type TrackerService, trackerService } from './service.ts'
