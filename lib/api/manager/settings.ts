import { z } from 'zod'
import { adminCall } from '../admin.ts'
import { list, opaque, table, text } from '../bounded.ts'
import { managerCall } from './manager-call.ts'
import { planBodySchema } from './rollout-plan.ts'

/** Rows of one page of an answer. */
const MAX_ROWS = 1000
/** Keys of settings at one level. */
const MAX_KEYS = 256

const countSchema = z.number().int().min(0)
/** Milliseconds since the epoch. */
const timeSchema = z.number()
const versionNumber = z.number().int().min(1)
const scopeText = text(300)
const kindText = text(32)
const nameText = text(255)
const valuesSchema = table(opaque(), { max: MAX_KEYS, maxKey: 64 })
const reasonSchema = text(500).min(1)

export const reasonBodySchema = z.strictObject({
  /** Why, for whoever looks next. */
  reason: reasonSchema,
})

const setBodySchema = z.strictObject({
  /** All values that the scope sets; what is left out is as in a wider scope or in the files. */
  values: valuesSchema,
  reason: reasonSchema,
  /** In steps; without it, everywhere at once. */
  rollout: planBodySchema.optional(),
})

const slotSchema = z.object({
  scope: scopeText,
  kind: kindText,
  /** The version that was made last. */
  latest: versionNumber,
  /** The version that all have whom no roll-out gives another; absent: none. */
  wanted: versionNumber.optional(),
  /** The last roll-out. */
  rollout: z.object({ id: text(64), state: text(16) }).optional(),
  /** The generation in which what hosts are to have changed last. */
  generation: countSchema,
})
export type SettingSlotAnswer = z.output<typeof slotSchema>

const versionSchema = z.object({
  version: versionNumber,
  scope: scopeText,
  kind: kindText,
  values: valuesSchema,
  author: nameText,
  reason: text(500),
  atMs: timeSchema,
})
export type SettingVersionAnswer = z.output<typeof versionSchema>

const changeSchema = z.object({
  key: text(1024),
  change: z.enum(['added', 'removed', 'changed']),
  from: opaque().optional(),
  to: opaque().optional(),
})

const appliedSchema = z.object({
  hosts: countSchema,
  /** They have what they are to have. */
  applied: countSchema,
  /** They do not have it yet. */
  behind: countSchema,
  /** They have said that they cannot. */
  refused: countSchema,
  /** Hosts by the code that they gave. */
  codes: table(countSchema, { max: MAX_ROWS, maxKey: 64 }),
  /** Clusters of which no tracker answers: their hosts are not counted. */
  away: list(nameText, MAX_ROWS),
})

const runSchema = z.object({
  host: nameText,
  peerId: text(40).optional(),
  address: text(64).optional(),
  zone: nameText.optional(),
  state: text(16),
  /** The one that it runs. */
  generation: countSchema,
  code: text(64).optional(),
  message: text(512).optional(),
  seenAtMs: timeSchema,
})

const behindSchema = runSchema.extend({ cluster: nameText })
export type SettingsRun = z.output<typeof runSchema>
export type BehindHost = z.output<typeof behindSchema>

/** What a tracker does with the settings of this manager. */
export const steeredTrackerStates = ['current', 'behind', 'foreign', 'refused', 'away'] as const

const trackerSchema = z.object({
  cluster: nameText,
  tracker: nameText,
  /** `foreign`: it follows another manager; `refused`: it does not take the document. */
  state: z.enum(steeredTrackerStates),
  /** The one that it has. */
  generation: countSchema.optional(),
  /** The one that it is to have. */
  wanted: countSchema,
  /** The manager that it follows. */
  manager: text(64).optional(),
  code: text(64).optional(),
})
export type SteeredTracker = z.output<typeof trackerSchema>

const pageQuery = {
  n: 'entries on one page',
  last: 'continue after this entry: `next` of the page before',
}
const readers = { resource: 'settings', action: 'read' } as const
const writers = { resource: 'settings', action: 'write' } as const
const SLOT = '/api/v1/settings/scopes/:scope/:kind' as const

const slotCalls = {
  settingsSchema: managerCall(
    readers,
    adminCall({
      method: 'GET',
      path: '/api/v1/settings/schema',
      summary: 'the keys that can be set, as a JSON schema for each kind of service',
      answer: z.object({ kinds: table(opaque(), { max: 16, maxKey: 32 }) }),
    }),
  ),
  settings: managerCall(
    readers,
    adminCall({
      method: 'GET',
      path: '/api/v1/settings',
      summary: 'scopes that have settings, page by page',
      query: pageQuery,
      codes: ['PAGINATION_NUMBER_INVALID'],
      answer: z.object({ settings: list(slotSchema, MAX_ROWS), next: text(400).optional() }),
    }),
  ),
  settingsOf: managerCall(
    readers,
    adminCall({
      method: 'GET',
      path: SLOT,
      summary: 'the settings of a scope for a kind of service; their entity tag is for If-Match',
      codes: ['REQUEST_INVALID', 'SETTINGS_UNKNOWN'],
      answer: slotSchema.extend({ values: valuesSchema }),
    }),
  ),
  setSettings: managerCall(
    writers,
    adminCall({
      method: 'PUT',
      path: SLOT,
      summary: 'makes a new version of the settings of a scope, and rolls it out',
      body: setBodySchema,
      status: 201,
      codes: [
        ...(['BODY_INVALID', 'REQUEST_INVALID', 'CHANGED_MEANWHILE', 'CLUSTER_UNKNOWN'] as const),
        ...(['ROLLOUT_ACTIVE', 'SETTINGS_FULL'] as const),
      ],
      answer: slotSchema.extend({ values: valuesSchema }),
    }),
  ),
  settingVersions: managerCall(
    readers,
    adminCall({
      method: 'GET',
      path: `${SLOT}/versions` as const,
      summary: 'versions of the settings of a scope, the newest first, page by page',
      query: pageQuery,
      codes: ['PAGINATION_NUMBER_INVALID', 'REQUEST_INVALID'],
      answer: z.object({ versions: list(versionSchema, MAX_ROWS), next: text(20).optional() }),
    }),
  ),
  settingVersion: managerCall(
    readers,
    adminCall({
      method: 'GET',
      path: '/api/v1/settings/versions/:version',
      summary: 'one version: its values, and who made it when and why',
      codes: ['REQUEST_INVALID', 'SETTINGS_UNKNOWN'],
      answer: versionSchema,
    }),
  ),
  settingsDiff: managerCall(
    readers,
    adminCall({
      method: 'GET',
      path: '/api/v1/settings/diff',
      summary: 'how two versions, or the settings of two scopes, differ by key',
      query: {
        from: 'number of a version, SCOPE/KIND for what is wanted there, or 0 for no settings',
        to: 'the same, of the other side',
      },
      codes: ['REQUEST_INVALID', 'SETTINGS_UNKNOWN'],
      answer: z.object({ changes: list(changeSchema, MAX_ROWS * 10) }),
    }),
  ),
}

const hostCalls = {
  settingsEffective: managerCall(
    readers,
    adminCall({
      method: 'GET',
      path: '/api/v1/settings/effective',
      summary: 'what a host, or a whole scope, is to have: for each key its value, and the scope and version of it',
      query: {
        cluster: 'the cluster of the host',
        host: 'the host, as its trackers know it; without it, what all of the cluster, or of the zone, are to have',
        kind: 'kind of service; default: agent',
        zone: 'its zone; default: as its trackers say',
      },
      codes: ['REQUEST_INVALID', 'CLUSTER_UNKNOWN'],
      answer: z.object({
        keys: list(
          z.object({ key: text(1024), value: opaque(), scope: scopeText, version: versionNumber }),
          MAX_ROWS * 10,
        ),
        /** What its trackers say of the host, if they know it. */
        host: runSchema.optional(),
      }),
    }),
  ),
  settingsApplied: managerCall(
    readers,
    adminCall({
      method: 'GET',
      path: `${SLOT}/applied` as const,
      summary: 'how many hosts have the settings of a scope, and why others do not',
      codes: ['REQUEST_INVALID', 'SETTINGS_UNKNOWN'],
      answer: appliedSchema,
    }),
  ),
  settingsBehind: managerCall(
    readers,
    adminCall({
      method: 'GET',
      path: `${SLOT}/behind` as const,
      summary: 'hosts that do not have the settings of a scope, page by page',
      query: pageQuery,
      codes: ['PAGINATION_NUMBER_INVALID', 'REQUEST_INVALID', 'SETTINGS_UNKNOWN'],
      answer: z.object({ hosts: list(behindSchema, MAX_ROWS), next: text(520).optional() }),
    }),
  ),
  steeredTrackers: managerCall(
    readers,
    adminCall({
      method: 'GET',
      path: '/api/v1/settings/trackers',
      summary: 'the trackers of all clusters: which generation of the settings each has, and whom it follows',
      answer: z.object({ trackers: list(trackerSchema, MAX_ROWS) }),
    }),
  ),
  takeOverTrackers: managerCall(
    writers,
    adminCall({
      method: 'POST',
      path: '/api/v1/settings/trackers/:cluster/take-over',
      summary: 'lets the trackers of a cluster that follow another manager follow this one',
      body: reasonBodySchema,
      codes: ['BODY_INVALID', 'CLUSTER_UNKNOWN'],
      answer: z.object({ trackers: list(trackerSchema, MAX_ROWS) }),
    }),
  ),
}

/** Settings of clusters, zones and hosts: part of the API of a manager. */
export const settingCalls = { ...slotCalls, ...hostCalls }
