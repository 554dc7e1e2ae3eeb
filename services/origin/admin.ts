import { type Route, sendJson } from '../../lib/http/index.ts'
import type { BlobStore } from '../../lib/store/index.ts'

export interface OriginAdminComponents {
  readonly store: Pick<BlobStore, 'list' | 'usedBytes'>
}

/** What the origin holds, for the person on call. */
function blobRoutes({ store }: OriginAdminComponents): readonly Route[] {
  return [
    {
      methods: ['GET'],
      path: '/blobs',
      right: 'admin',
      summary: 'blobs at rest',
      handle: async (exchange) => sendJson(exchange, 200, { usedBytes: store.usedBytes, blobs: await store.list() }),
    },
  ]
}

/** The admin API of an origin. */
export function originAdminRoutes(components: OriginAdminComponents): readonly Route[] {
  return blobRoutes(components)
}
