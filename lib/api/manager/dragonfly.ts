import { z } from 'zod'
import { list, opaque, table, text } from '../bounded.ts'

const MAX_LIST = 100
const MAX_URL = 2048
const MAX_HEADERS = 64

/** Tools send every key, with `""`, 0 or null where they have nothing to say. */
const word = (max: number) => text(max).nullish()
const number = () => z.number().nullish()

const argsSchema = z.object({
  type: word(32),
  url: word(MAX_URL),
  urls: list(text(MAX_URL), MAX_LIST).nullish(),
  task_id: word(256),
  headers: table(text(16_384), { max: MAX_HEADERS, maxKey: 128 }).nullish(),
  username: word(255),
  password: word(4096),
  platform: word(64),
  scope: word(64),
  ips: list(text(255), MAX_LIST).nullish(),
  count: number(),
  percentage: number(),
  concurrent_task_count: number(),
  concurrent_peer_count: number(),
  concurrent_layer_count: number(),
  /** Nanoseconds. */
  timeout: number(),
})
export type DragonflyArgs = z.output<typeof argsSchema>

/** A job as Dragonfly's tools, and Harbor, give it. Keys that are not known are accepted: clients of any age send some. */
export const dragonflyJobSchema = z.object({
  bio: word(1000),
  type: text(64),
  args: argsSchema.nullish(),
  user_id: number(),
  scheduler_cluster_ids: list(z.number().int().min(0), MAX_LIST).nullish(),
})
export type DragonflyJob = z.output<typeof dragonflyJobSchema>

const configs = () => table(opaque(), { max: MAX_LIST, maxKey: 128 }).nullish()

/** A cluster as Dragonfly's tools give it. */
export const dragonflyClusterSchema = z.object({
  name: word(255),
  bio: word(500),
  is_default: z.boolean().nullish(),
  scopes: z
    .object({
      /** Zones, with `|` between them. */
      idc: word(4096),
      location: word(4096),
      cidrs: list(text(64), MAX_LIST).nullish(),
      hostnames: list(text(512), MAX_LIST).nullish(),
    })
    .nullish(),
  scheduler_cluster_config: configs(),
  peer_cluster_config: configs(),
  seed_peer_cluster_config: configs(),
})
export type DragonflyCluster = z.output<typeof dragonflyClusterSchema>

/** What may be changed of a job. */
export const dragonflyPatchSchema = z.object({ bio: word(1000), user_id: number() })
