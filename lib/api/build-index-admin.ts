import { adminApi } from './openapi.ts'

/** The admin API of a build-index; docs/endpoints.md has a row for each call. */
export const buildIndexAdmin = adminApi({})
