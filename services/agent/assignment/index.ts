export { assigned } from './assigned.ts'
