import { z } from 'zod'
import { adminCall } from '../admin.ts'
import { list, opaque, text } from '../bounded.ts'
import { managerCall } from './manager-call.ts'

/** Rows of one page of an answer. */
const MAX_ROWS = 1000

const auditOutcomes = ['unknown', 'done', 'refused'] as const

const auditRowSchema = z.object({
  id: text(64),
  atMs: z.number(),
  /** Who: `user:NAME`, `token:NAME`, or the name of a secret. */
  actor: text(255),
  /** What was done, such as `user.create`. */
  action: text(128),
  /** To what. */
  target: text(512),
  /** What else is worth knowing; never a secret. */
  detail: opaque().optional(),
  /** Of what another service was asked to do: it is `unknown` until that has answered. */
  outcome: z.enum(auditOutcomes).optional(),
  /** Why it was refused. */
  code: text(64).optional(),
})
export type AuditRow = z.output<typeof auditRowSchema>

/** Who has changed what at a manager. */
export const auditCalls = {
  audit: managerCall(
    { resource: 'audit', action: 'read' },
    adminCall({
      method: 'GET',
      path: '/api/v1/audit',
      summary: 'who has changed what, the newest first, page by page',
      query: {
        n: 'entries on one page',
        last: 'continue after this entry: `next` of the page before',
        actor: 'who: `user:NAME`, `token:NAME/TOKEN`, or the name of a secret',
        action: 'what, such as `user.create`',
        target: 'to what',
        from: 'not before, milliseconds since the epoch',
        until: 'before, milliseconds since the epoch',
      },
      codes: ['PAGINATION_NUMBER_INVALID', 'BODY_INVALID'],
      answer: z.object({ audit: list(auditRowSchema, MAX_ROWS), next: text(64).optional() }),
    }),
  ),
}
