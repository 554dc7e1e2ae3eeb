import { z } from 'zod'
import { adminCall } from './admin.ts'
import { byteCountSchema, digestSchema } from './schemas.ts'

const storedBlobSchema = z.object({ digest: digestSchema, size: byteCountSchema, usedAtMs: z.number() })

const torrentSchema = z.object({
  digest: digestSchema,
  complete: z.boolean(),
  leftBytes: byteCountSchema,
  received: z.record(z.string(), byteCountSchema),
  peers: z.array(
    z.object({
      role: z.string(),
      host: z.string(),
      pieces: byteCountSchema,
      receivedBytes: byteCountSchema,
      sentBytes: byteCountSchema,
    }),
  ),
})

/** The admin API of an agent; docs/endpoints.md has a row for each call. */
export const agentAdmin = {
  blobs: adminCall({
    method: 'GET',
    path: '/blobs',
    summary: 'blobs in the cache',
    answer: z.object({ usedBytes: byteCountSchema, blobs: z.array(storedBlobSchema) }),
  }),
  swarms: adminCall({
    method: 'GET',
    path: '/swarms',
    summary: 'torrents and their peers',
    answer: z.array(torrentSchema),
  }),
}
