import { z } from 'zod'
import { adminCall } from './admin.ts'
import { pullCalls } from './agent-pulls.ts'
import { list, opaque, table, text } from './bounded.ts'
import { adminApi } from './openapi.ts'
import { ringCalls } from './ring-admin.ts'
import { byteCountSchema, digestSchema } from './schemas.ts'
import { steeringHealthSchema } from './steering-words.ts'

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

const settingsSchema = z.object({
  /** Whoever gave the settings from trackers that run; empty when nobody did. */
  manager: text(255),
  /** That runs; 0 when none does. */
  generation: byteCountSchema,
  state: z.enum(['applied', 'failed']),
  /** Why the last ones could not be applied. */
  code: text(64).optional(),
  message: text(200).optional(),
  /** Pulls since. */
  health: steeringHealthSchema,
  settings: list(
    z.object({
      key: text(64),
      /** As its config says. Sizes are in bytes, rates in bytes per second; null stands for no limit. */
      file: opaque(),
      live: opaque(),
      /** `file`, or the manager. */
      by: text(255),
    }),
    MAX_ENTRIES,
  ),
})

const leaveSchema = z.object({ state: z.enum(['serving', 'leaving', 'closing']) })

/** The admin API of an agent; docs/endpoints.md has a row for each call. */
export const agentAdmin = adminApi({
  ...ringCalls,
  ...pullCalls,
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
  settings: adminCall({
    method: 'GET',
    path: '/settings',
    summary: 'the keys that change while it runs: what its config says, what holds now, and who said so',
    answer: settingsSchema,
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
