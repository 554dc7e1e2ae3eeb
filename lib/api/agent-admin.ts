import { z } from 'zod'
import { adminCall } from './admin.ts'
import { pullCalls } from './agent-pulls.ts'
import { list, table, text } from './bounded.ts'
import { adminApi } from './openapi.ts'
import { ringCalls } from './ring-admin.ts'
import { byteCountSchema, digestSchema } from './schemas.ts'
import { settingsCalls } from './settings-call.ts'

/** Blobs, torrents, or peers of one in an answer; an answer of 4 MiB has no room for more. */
const MAX_ENTRIES = 50_000

const storedBlobSchema = z.object({ digest: digestSchema, size: byteCountSchema, usedAtMs: z.number() })

const partialSchema = z.object({ digest: digestSchema, size: byteCountSchema, heldBytes: byteCountSchema })

const torrentSchema = z.object({
  digest: digestSchema,
  complete: z.boolean(),
  leftBytes: byteCountSchema,
  received: table(byteCountSchema, { max: 64, maxKey: 64 }),
  peers: list(
    z.object({
      role: text(64),
      host: text(64),
      pieces: byteCountSchema,
      receivedBytes: byteCountSchema,
      sentBytes: byteCountSchema,
    }),
    MAX_ENTRIES,
  ),
})

const leaveSchema = z.object({ state: z.enum(['serving', 'leaving', 'closing']) })

/** The admin API of an agent; docs/endpoints.md has a row for each call. */
export const agentAdmin = adminApi({
  ...ringCalls,
  ...pullCalls,
  ...settingsCalls,
  blobs: adminCall({
    method: 'GET',
    path: '/blobs',
    summary: 'blobs in the cache',
    answer: z.object({
      usedBytes: byteCountSchema,
      blobs: list(storedBlobSchema, MAX_ENTRIES),
      /** Of which only a part is here; an agent of before tells none. */
      partials: list(partialSchema, MAX_ENTRIES).default([]),
    }),
  }),
  swarms: adminCall({
    method: 'GET',
    path: '/swarms',
    summary: 'torrents and their peers',
    answer: list(torrentSchema, MAX_ENTRIES),
  }),
  drain: adminCall({
    method: 'GET',
    path: '/drain',
    summary: 'whether clients are led elsewhere',
    answer: leaveSchema,
  }),
  leave: adminCall({
    method: 'POST',
    path: '/drain',
    summary: 'begins to leave: it is not ready any more, serves on, and asks its clients to go elsewhere after a while',
    status: 202,
    answer: leaveSchema,
  }),
  stay: adminCall({ method: 'DELETE', path: '/drain', summary: 'stays after all', answer: leaveSchema }),
})
