export { backUp, restore } from './backup.ts'
export { type DatabaseConfig, databaseSchema } from './config.ts'
export {
  type AuditEntry,
  type DatabaseComponents,
  type DatabaseInit,
  type ManagerDatabase,
  managerDatabase,
  type Reader,
  type Tx,
} from './database.ts'
export { awayCodes } from './failures.ts'
export { heldWork } from './held-work.ts'
export { managerIdentity } from './identity.ts'
export { idAt, newId } from './ids.ts'
export { type HeldLease, type Leases, type LeasesComponents, type LeaseTimes, leases } from './leases.ts'
export type { AuditTable, LeaseTable, Tables } from './tables.ts'
