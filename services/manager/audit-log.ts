import type { AuditRow } from '../../lib/api/index.ts'
import { parseJson } from '../../lib/base/index.ts'
import type { PageRequest } from '../../lib/http/index.ts'
import type { ManagerDatabase } from './database/index.ts'

/** Reads who has changed what. */
export interface AuditLog {
  /** The newest first. */
  page(asked: PageRequest): Promise<{ readonly audit: readonly AuditRow[]; readonly next?: string }>
}

export function auditLog({ database }: { readonly database: Pick<ManagerDatabase, 'read'> }): AuditLog {
  return {
    async page({ count, last }) {
      const all = database.read
        .selectFrom('audit')
        .selectAll()
        .orderBy('id', 'desc')
        .limit(count + 1)
      const rows = await (last === undefined ? all : all.where('id', '<', last)).execute()
      const shown = rows.slice(0, count)
      const audit = shown.map(({ detail, ...row }) => ({
        ...row,
        ...(detail !== null && { detail: parseJson(detail) }),
      }))
      const next = rows.length > count ? shown.at(-1)?.id : undefined
      return { audit, ...(next !== undefined && { next }) }
    },
  }
}
