export {
  type AuditEntry,
  type DatabaseComponents,
  type DatabaseInit,
  type ManagerDatabase,
  managerDatabase,
  type Reader,
  type Tx,
} from './database.ts'
export { newId } from './ids.ts'
export type { AuditTable, Tables } from './tables.ts'
