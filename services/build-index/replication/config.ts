import { z } from 'zod'
import { backendSchema } from '../../../lib/backend/index.ts'
import { baseUrl, duration, memberList, rate, secretText, secretValues } from '../../../lib/config/index.ts'
import { isSafe } from '../../../lib/joining/index.ts'
import { tagPattern, tagRuleSchema } from '../../../lib/service/index.ts'
import { webhookEvents } from './webhook-event.ts'
import { isSigningSecret } from './webhook-signature.ts'

const minuteOfDay = z
  .string()
  .regex(/^(?:[01]\d|2[0-3]):[0-5]\d$/, 'a time of day is written like 22:30, in UTC')
  .transform((text) => Number(text.slice(0, 2)) * 60 + Number(text.slice(3)))

const tagRules = z.array(tagRuleSchema).min(1)

/** One cluster that tags are replicated to. */
export const remoteSchema = z.strictObject({
  /** Its build-indexes. */
  urls: z.array(baseUrl).min(1),
  /** Its `peering` secret. */
  secret: secretText.transform((value) => () => value).exactOptional(),
  /** The tags that go there: those that fit one of the rules. */
  rules: tagRules,
  /** When they go there, each day; none: at once. */
  windows: z.array(z.strictObject({ from: minuteOfDay, to: minuteOfDay })).prefault([]),
  /** Most bytes in a second, of all build-indexes of this cluster together. */
  bandwidth: rate.prefault('unlimited'),
  /** Blobs that one build-index has sent at the same time. */
  concurrency: z.number().int().min(1).max(64).default(4),
  /** Whether signatures, attestations and bills of materials go along. */
  signatures: z.boolean().default(true),
  /** Whether a tag that is deleted here is deleted there. */
  deletes: z.boolean().default(false),
})
export type RemoteConfig = z.output<typeof remoteSchema>

/** Name of whoever follows the tags. */
const followerName = z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'a name has lower-case letters, digits and "-"')

export const remotesSchema = z.record(followerName, remoteSchema).prefault({})

/** Somebody who is told of tags over HTTP. */
const webhookKeys = z.strictObject({
  /** Where events are posted to. */
  url: baseUrl,
  /** Signs the events; two while one replaces the other. One that begins with `whsec_` is base64 behind that. */
  secret: secretValues
    .refine((values) => values.every(isSigningSecret), 'behind whsec_ stands base64 of at least 16 bytes')
    .transform((values) => () => values)
    .exactOptional(),
  /** Shown as a bearer token, for receivers that ask who calls: a manager does. */
  token: secretText.transform((value) => () => value).exactOptional(),
  /** Lets the token go over plain HTTP to another machine. */
  insecure: z.boolean().default(false),
  /** What is told. */
  events: z
    .array(z.enum(webhookEvents))
    .min(1)
    .prefault([...webhookEvents]),
  /** The tags that it is told of: those that fit one of the rules. */
  rules: tagRules.prefault([{ repository: '*', tag: '*' }]),
  /** How long it may take to answer. */
  timeout: duration.prefault('10s'),
  /** PEM file of authorities that are trusted besides those of Node. */
  caFile: z.string().min(1).exactOptional(),
})

const webhookSchema = webhookKeys.superRefine(({ url, secret, token, insecure }, context) => {
  const refuse = (key: string, message: string) => context.addIssue({ code: 'custom', path: [key], message })
  if (secret === undefined && token === undefined)
    refuse('secret', 'give secret, which signs what is told, or token, which is shown with it, or both')
  if (token === undefined || insecure || isSafe(url)) return
  refuse('url', 'plain HTTP would show the token to the network; use https, or set insecure: true')
})
export type WebhookConfig = z.output<typeof webhookSchema>

export const webhooksSchema = z.record(followerName, webhookSchema).prefault({})

/** Where conditional writes are possible. */
const conditional = backendSchema.refine(
  ({ driver }) => driver !== 'registry' && driver !== 'http',
  'must be a backend with conditional writes: file, s3, tos or shadow',
)

/** That remotes may be given by a manager, or by an admin in its place. */
const managedSchema = z.strictObject({
  /** What given remotes are shown, which never travels by way of the manager: the first that fits all their hosts. */
  secrets: z
    .array(
      z.strictObject({
        /** Names or addresses that the secret may be shown to; `*` stands for any characters. */
        hosts: z.array(tagPattern).min(1),
        /** Their `peering` secret. */
        secret: secretText.transform((value) => () => value),
      }),
    )
    .exactOptional(),
})
export type ManagedConfig = z.output<typeof managedSchema>

export const replicationSchema = z
  .strictObject({
    /** Where versions, tasks and leases are kept; default: in `backend`. With the driver `registry` it must be given. */
    backend: conditional.exactOptional(),
    /** Whether a manager may give remotes beside those of the config; absent: none. */
    managed: managedSchema.exactOptional(),
    /** How other clusters reach the origins; default: as this service does. */
    addresses: memberList.exactOptional(),
    /** After so long another build-index goes on with the work of one that is gone. */
    lease: duration.prefault('15s'),
    /** Tags of one shard of the work that are on their way to one remote at the same time. */
    tagsAtOnce: z.number().int().min(1).max(64).default(4),
    /** The pauses between the tries of a tag, and how many there are before it is given up. */
    retry: z
      .strictObject({
        first: duration.prefault('1s'),
        most: duration.prefault('5m'),
        tries: z.number().int().min(1).default(1000),
        /** What was given up rests so long, and longer each time; then it is tried again if its remote answers. */
        revive: duration.prefault('1h'),
      })
      .prefault({}),
    /** Tags of before that are looked at in a second, when a rule is new. */
    backfill: z.number().int().min(1).max(10_000).default(50),
    /** How long a deleted tag is remembered. */
    remember: duration.prefault('30d'),
  })
  .prefault({})
export type ReplicationConfig = z.output<typeof replicationSchema>
