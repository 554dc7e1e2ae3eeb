import { adminClient, proxyAdmin, trackerAdmin } from '../../../lib/api/index.ts'
import { type AbortOptions, appError, codeOf } from '../../../lib/base/index.ts'
import type { HttpClient } from '../../../lib/http/index.ts'
import type { Member } from './member-store.ts'
import type { Seal } from './seal.ts'
import { withKeyOf } from './talk.ts'
import type { Look } from './verdict.ts'

/** Most bytes of what an ops listener says, entries of it that are taken, and characters of each. */
const MAX_READY_BYTES = 64 * 1024
const MAX_REASONS = 24
const MAX_REASON = 500

/** Lines like `backend: it does not answer`. */
function linesOf(told: unknown): readonly string[] {
  if (typeof told !== 'object' || told === null) return []
  return Object.entries(told)
    .slice(0, MAX_REASONS)
    .map(([name, reason]) => `${name}: ${String(reason)}`.slice(0, MAX_REASON))
}

const isReady = (status: number) => status === 200 || status === 503

async function opsOf(http: HttpClient, url: string, options: AbortOptions): Promise<Look['ops']> {
  try {
    const answer = await http.request({ method: 'GET', url: `${url}/readyz`, ...options })
    const told = (await answer.json(MAX_READY_BYTES)) as { readonly missing?: unknown; readonly notes?: unknown } | null
    if (!isReady(answer.status) || typeof told !== 'object' || told === null) throw appError('UNKNOWN')
    return { missing: linesOf(told.missing), notes: linesOf(told.notes) }
  } catch (err) {
    return codeOf(err) ?? 'UNKNOWN'
  }
}

/** What a tracker tells of its size; of the others, only whether they take the key. */
async function adminOf(http: HttpClient, { kind, urls }: Member, options: AbortOptions): Promise<Look['capacity']> {
  if (kind !== 'tracker') {
    await adminClient(http, urls.admin, proxyAdmin).rings({}, options)
    return {}
  }
  const { swarms, downloads, hosts, seeds, listening } = await adminClient(http, urls.admin, trackerAdmin).statistics(
    {},
    options,
  )
  return { swarms, downloads, hosts, seeds, listening }
}

/** Asks a member how it is. Never throws. */
export async function lookAtMember(
  { http, seal }: { readonly http: HttpClient; readonly seal: () => Seal },
  member: Member,
  options: AbortOptions,
): Promise<Look> {
  const ops = await opsOf(http, member.urls.ops, options)
  if (typeof ops === 'string') return { ops, admin: undefined, capacity: {} }
  try {
    return { ops, admin: undefined, capacity: await adminOf(withKeyOf(http, seal, member), member, options) }
  } catch (err) {
    return { ops, admin: codeOf(err) ?? 'UNKNOWN', capacity: {} }
  }
}
