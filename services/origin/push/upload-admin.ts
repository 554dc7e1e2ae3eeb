import { adminRoute, originAdmin } from '../../../lib/api/index.ts'
import { type Exchange, pageRequest, type Route, sendEmpty, sendJson } from '../../../lib/http/index.ts'
import type { UploadInspection } from '../../../lib/store/index.ts'
import type { UploadQuota } from './upload-quota.ts'
import type { UploadSessions } from './upload-sessions.ts'

/** Uploads on one page of the list. */
const PAGE = 1000

export interface UploadAdminComponents {
  readonly uploads: Pick<UploadSessions, 'cancel'>
  readonly openUploads: UploadInspection['openUploads']
  readonly clientOf: UploadQuota['clientOf']
}

/** Admin routes: the uploads that are no blobs yet, and their end. */
export function uploadAdminRoutes({ uploads, openUploads, clientOf }: UploadAdminComponents): readonly Route[] {
  const list = (exchange: Exchange) => {
    const { count, last = '' } = pageRequest(exchange.query, { max: PAGE, least: 1 })
    const rest = openUploads()
      .filter(({ id }) => id > last)
      .sort((a, b) => (a.id < b.id ? -1 : 1))
    const page = rest.slice(0, count).map((upload) => ({ ...upload, client: clientOf(upload.id) }))
    const next = page.length < rest.length ? { next: page.at(-1)?.id } : {}
    sendJson(exchange, 200, { uploads: page, ...next })
  }
  const cancel = async (exchange: Exchange) => {
    await uploads.cancel(exchange.params['id'] ?? '')
    sendEmpty(exchange, 204)
  }
  return [adminRoute(originAdmin.uploads, list), adminRoute(originAdmin.cancelUpload, cancel)]
}
