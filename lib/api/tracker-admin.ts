import { adminApi } from './openapi.ts'
import { ringCalls } from './ring-admin.ts'

/** The admin API of a tracker; docs/endpoints.md has a row for each call. */
export const trackerAdmin = adminApi({ ...ringCalls })
