import type { DragonflyArgs, DragonflyJob, JobCredentials, JobSpec } from '../../../lib/api/index.ts'
import { appError } from '../../../lib/base/index.ts'
import { digestFromHex, parseDigest } from '../../../lib/core/index.ts'

const NANOSECONDS = 1e9
const MAX_LIMIT_SECONDS = 604_800
const MAX_AT_ONCE = 1000
/** In the place of what is secret. */
const HIDDEN = '*****'

/** A job of the manager, as Dragonfly's words mean it. */
export interface ReadJob {
  readonly spec: Omit<JobSpec, 'clusters'>
  readonly credentials: JobCredentials | undefined
}

const refuse = (message: string) => appError('BODY_INVALID', { message })

/** 0 and what is less count as nothing. */
const some = (value: number | null | undefined): number | undefined =>
  typeof value === 'number' && value > 0 ? value : undefined
const given = (value: string | null | undefined): string | undefined => (value ? value : undefined)

const scopes: Readonly<Record<string, NonNullable<JobSpec['scope']>>> = {
  '': 'single_origin',
  single_seed_peer: 'single_origin',
  all_seed_peers: 'all_origins',
  all_peers: 'agents',
}

/** Who it is for: addresses go before a number, and a number before a share. */
function hostsOf({ ips, count, percentage }: DragonflyArgs) {
  if (ips != null && ips.length > 0) return { hosts: ips }
  const number = some(count)
  if (number !== undefined) return { count: Math.floor(number) }
  const percent = some(percentage)
  return percent === undefined ? {} : { percent: Math.min(100, percent) }
}

function limitsOf({ timeout }: DragonflyArgs, atOnce: number | undefined) {
  const ns = some(timeout)
  return {
    ...(ns !== undefined && { limitSeconds: Math.min(MAX_LIMIT_SECONDS, Math.max(1, Math.ceil(ns / NANOSECONDS))) }),
    ...(atOnce !== undefined && { atOnce: Math.min(MAX_AT_ONCE, Math.max(1, Math.floor(atOnce))) }),
  }
}

function credentialsOf({ headers, username, password }: DragonflyArgs): JobCredentials | undefined {
  const shown = {
    ...(given(username) !== undefined && { username: given(username) }),
    ...(given(password) !== undefined && { password: given(password) }),
    ...(headers != null && Object.keys(headers).length > 0 && { headers }),
  }
  return Object.keys(shown).length === 0 ? undefined : shown
}

function preheatOf(args: DragonflyArgs): ReadJob {
  const scope = scopes[args.scope ?? '']
  if (scope === undefined) throw refuse(`scope is one of ${Object.keys(scopes).filter(Boolean).join(', ')}`)
  const urls = [...(args.urls ?? []), ...(given(args.url) === undefined ? [] : [args.url ?? ''])]
  if (args.type !== 'image' && args.type !== 'file') throw refuse('args.type is image or file')
  if (urls.length === 0) throw refuse('args.url is required')
  const platform = given(args.platform)
  const isOfAgents = scope === 'agents'
  return {
    spec: {
      ...{ kind: 'preheat', scope, ...(args.type === 'image' ? { targets: urls } : { urls }) },
      ...(platform !== undefined && args.type === 'image' && { platforms: [platform] }),
      ...(isOfAgents && hostsOf(args)),
      ...limitsOf(args, some(isOfAgents ? args.concurrent_peer_count : args.concurrent_task_count)),
    },
    credentials: credentialsOf(args),
  }
}

const blobPath = /\/blobs\/([a-z0-9]+:[0-9a-f]{64,})$/

/** What a task is: a digest, or the URL of a manifest or of a blob. */
function taskOf({ task_id: id, url }: DragonflyArgs): string {
  const named = given(id)
  if (named !== undefined) return /^[0-9a-f]{64}$/.test(named) ? digestFromHex('sha256', named) : parseDigest(named)
  const text = given(url)
  if (text === undefined || !URL.canParse(text)) throw refuse('args.url or args.task_id is required')
  const [, digest] = blobPath.exec(new URL(text).pathname) ?? []
  return digest ?? text
}

function taskJobOf(kind: 'query' | 'delete', args: DragonflyArgs): ReadJob {
  return {
    spec: {
      kind,
      targets: [taskOf(args)],
      ...limitsOf(args, kind === 'query' ? some(args.concurrent_peer_count) : undefined),
    },
    credentials: undefined,
  }
}

/** @throws BODY_INVALID for what this system has nothing for */
export function readDragonflyJob({ type, args }: DragonflyJob): ReadJob {
  const known = args ?? {}
  if (type === 'preheat') return preheatOf(known)
  if (type === 'get_task') return taskJobOf('query', known)
  if (type === 'delete_task') return taskJobOf('delete', known)
  if (type !== 'get_image_distribution')
    throw refuse('type is one of preheat, get_task, delete_task, get_image_distribution, sync_peers')
  const platform = given(known.platform)
  return {
    spec: {
      ...{ kind: 'distribution', targets: [taskOf(known)], ...limitsOf(known, undefined) },
      ...(platform !== undefined && { platforms: [platform] }),
    },
    credentials: undefined,
  }
}

/** The arguments as anybody may see them. */
export function shownArgs(args: DragonflyArgs): Readonly<Record<string, unknown>> {
  const { headers, password } = args
  return {
    ...args,
    ...(headers != null && { headers: Object.fromEntries(Object.keys(headers).map((name) => [name, HIDDEN])) }),
    ...(given(password) !== undefined && { password: HIDDEN }),
  }
}
