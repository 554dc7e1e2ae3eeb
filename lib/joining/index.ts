export { frontManagerKey, isSafe, managerKey } from './config.ts'
export { type Joining, joining } from './joining.ts'
