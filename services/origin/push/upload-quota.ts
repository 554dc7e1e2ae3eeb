import { appError } from '../../../lib/base/index.ts'
import type { OpenUpload, Upload, UploadInspection } from '../../../lib/store/index.ts'
import type { Counter, Family, Metrics } from '../../../lib/telemetry/index.ts'

/** Which limit an upload meets. */
export type UploadLimit = 'number' | 'bytes' | 'client_number' | 'client_bytes'

export interface UploadQuotaInit {
  /** Most uploads that are open at the same time. */
  readonly maxUploads: number
  /** Most bytes of all open uploads together. */
  readonly maxBytes: number
  /** One client may have at most this share of both. */
  readonly clientShare: number
}

export interface UploadQuotaComponents {
  readonly store: UploadInspection
  readonly refused: Family<Counter, 'limit'>
}

/**
 * Limits what is uploaded and is no blob yet. Where a limit is reached, uploads that nobody uses go first, the oldest
 * one before the others; those of the same client where the share of one client is reached.
 */
export interface UploadQuota {
  /** Opens an upload for a client. @throws UPLOADS_FULL */
  open(client: string, create: () => Promise<Upload>): Promise<Upload>
  /**
   * Refuses an upload that says that it will have so many bytes, when they could never fit, however much is removed.
   * @throws STORE_FULL
   */
  assertPossible(id: string, bytes: number): void
  /** Gives the bytes for the upload on as long as they fit; ends with UPLOADS_FULL where they do not. */
  limited(id: string, source: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array>
  /** Who opened the upload; undefined after a restart of the origin. */
  clientOf(id: string): string | undefined
}

/** Between two looks at the sum of all uploads. */
const CHECK_BYTES = 1024 * 1024

/** Counts uploads that were refused, by the limit that they met. */
export function uploadRefusals(metrics: Metrics): Family<Counter, 'limit'> {
  const help = 'Uploads refused because too many or too large ones are open.'
  return metrics.counter({ name: 'shoal_uploads_refused_total', help }, ['limit'])
}

interface Use {
  readonly uploads: number
  readonly bytes: number
}

interface Check {
  readonly limit: UploadLimit
  readonly over: () => boolean
  /** Uploads whose removal helps. */
  readonly helps: (upload: OpenUpload) => boolean
}

/** Removes what nobody uses until the check holds. @throws UPLOADS_FULL */
async function makeFit({ store, refused }: UploadQuotaComponents, { limit, over, helps }: Check): Promise<void> {
  for (const { id, rest } of store.openUploads().filter(helps)) {
    if (!over()) return
    if (rest !== 'used') await store.evictUpload(id)
  }
  if (!over()) return
  refused.with({ limit }).add()
  throw appError('UPLOADS_FULL', { detail: { limit } })
}

function insistPossible({ refused }: Pick<UploadQuotaComponents, 'refused'>, bytes: number, most: number): void {
  if (bytes <= most) return
  refused.with({ limit: 'bytes' }).add()
  throw appError('STORE_FULL', { message: 'an upload of this size can never fit', detail: { size: bytes, most } })
}

export function uploadQuota({ store, refused }: UploadQuotaComponents, init: UploadQuotaInit): UploadQuota {
  const clients = new Map<string, string>()
  /** Uploads that are being opened, and are not in the list of the store yet. */
  const opening: string[] = []

  const isOf = (client: string) => (upload: OpenUpload) => clients.get(upload.id) === client
  const useOf = (helps: Check['helps'], underWay: number): Use => {
    const all = store.openUploads().filter(helps)
    return { uploads: all.length + underWay, bytes: all.reduce((sum, { size }) => sum + size, 0) }
  }

  const insist = (check: Check) => makeFit({ store, refused }, check)

  const checkNumber = async (client: string): Promise<void> => {
    const [own, all] = [isOf(client), () => true]
    const ownMost = Math.max(1, init.maxUploads * init.clientShare)
    const ownOpening = () => opening.filter((each) => each === client).length
    await insist({ limit: 'client_number', over: () => useOf(own, ownOpening()).uploads > ownMost, helps: own })
    const over = () => useOf(all, opening.length).uploads > init.maxUploads
    await insist({ limit: 'number', over, helps: all })
  }

  const checkBytes = async (client: string | undefined): Promise<void> => {
    const all = () => true
    if (client !== undefined) {
      const [own, ownMost] = [isOf(client), init.maxBytes * init.clientShare]
      await insist({ limit: 'client_bytes', over: () => useOf(own, 0).bytes > ownMost, helps: own })
    }
    await insist({ limit: 'bytes', over: () => useOf(all, 0).bytes > init.maxBytes, helps: all })
  }

  const forgetEnded = () => {
    const open = new Set(store.openUploads().map(({ id }) => id))
    for (const id of clients.keys()) if (!open.has(id)) clients.delete(id)
  }

  return {
    async open(client, create) {
      forgetEnded()
      opening.push(client)
      try {
        await checkNumber(client)
        const upload = await create()
        clients.set(upload.id, client)
        return upload
      } finally {
        opening.splice(opening.indexOf(client), 1)
      }
    },
    assertPossible: (id, bytes) =>
      insistPossible({ refused }, bytes, init.maxBytes * (clients.has(id) ? init.clientShare : 1)),
    async *limited(id, source) {
      let unchecked = CHECK_BYTES
      for await (const chunk of source) {
        unchecked += chunk.byteLength
        if (unchecked >= CHECK_BYTES) {
          unchecked = 0
          await checkBytes(clients.get(id))
        }
        yield chunk
      }
    },
    clientOf: (id) => clients.get(id),
  }
}
