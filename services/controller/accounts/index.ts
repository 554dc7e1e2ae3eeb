export { accountsSchema } from './config.ts'
export { accountsRole } from './role.ts'
