import { adminApi } from './openapi.ts'
import { registryUserCalls } from './registry-users.ts'
import { ringCalls } from './ring-admin.ts'

/** The admin API of a proxy; docs/endpoints.md has a row for each call. */
export const proxyAdmin = adminApi({ ...ringCalls, ...registryUserCalls })
