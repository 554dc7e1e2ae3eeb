export { frontManagerKey, managerKey } from './config.ts'
export { type Joining, joining } from './joining.ts'
