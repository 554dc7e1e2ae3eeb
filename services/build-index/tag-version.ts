import { descriptorSchema, parseBody, type TagVersion, tagVersionSchema } from '../../lib/api/index.ts'
import type { Descriptor } from '../../lib/core/index.ts'

/** A tag as it is stored. Without a target it was deleted: kept for a while, so that no older copy brings it back. */
export interface TagRecord {
  readonly target: Descriptor | undefined
  readonly version: TagVersion
}

/** The version of records that were written before there were versions: every other one is later. */
export const NO_VERSION: TagVersion = { atMs: 0, cluster: '' }

/** Negative when `one` is the earlier, 0 when they are the same. Every cluster orders two versions alike. */
export function compareVersions(one: TagVersion, other: TagVersion): number {
  if (one.atMs !== other.atMs) return one.atMs - other.atMs
  if (one.cluster === other.cluster) return 0
  return one.cluster < other.cluster ? -1 : 1
}

/**
 * The order in which records of one tag beat each other: the later version, and of equal ones with other content (of two
 * clusters with one name, or of one that was restored) the greater digest, and any digest before a deletion. Every
 * cluster orders them alike; 0 only when both say the same.
 */
export function compareRecords(one: TagRecord, other: TagRecord): number {
  const order = compareVersions(one.version, other.version)
  if (order !== 0) return order
  const [a, b] = [contentOf(one), contentOf(other)]
  if (a === b) return 0
  return a < b ? -1 : 1
}

const contentOf = ({ target }: TagRecord): string =>
  target === undefined ? '' : `${target.digest} ${target.mediaType} ${target.size}`

/**
 * The version of a change that is made here and now: later than the one before, also when the clock of its writer is
 * ahead of ours.
 */
export function nextVersion(before: TagVersion | undefined, now: number, cluster: string): TagVersion {
  return { atMs: Math.max(Math.floor(now), (before?.atMs ?? 0) + 1), cluster }
}

/** The JSON of a record: `{digest, mediaType, size, version}`, or `{deleted: true, version}`. */
export const tagJson = ({ target, version }: TagRecord): object =>
  target === undefined ? { deleted: true, version } : { ...target, version }

/** @throws BODY_INVALID */
export function parseTagRecord(value: unknown): TagRecord {
  const fields = typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {}
  const version = fields['version'] === undefined ? NO_VERSION : parseBody(tagVersionSchema, fields['version'])
  return { target: fields['deleted'] === true ? undefined : parseBody(descriptorSchema, value), version }
}
