import type { AssignedCluster, AssignmentAnswer } from '../../../lib/api/index.ts'
import { appError } from '../../../lib/base/index.ts'
import { checkedMembers, type Member } from '../../../lib/cluster/index.ts'

/** A cluster that an agent may belong to. */
export interface Place {
  /** Empty for the one of the config. */
  readonly name: string
  readonly trackers: readonly Member[]
  readonly origins: readonly Member[]
  readonly buildIndexes: readonly Member[]
}

/** The rings of an agent that an assignment changes. */
export const placeRings = ['trackers', 'origins', 'buildIndexes'] as const

/** Most clusters that an agent remembers. */
const MOST_PLACES = 8

/**
 * The clusters of an answer that can be used, the best first: those with members of each kind, whose addresses are base
 * URLs, with TLS where `own` has it, so that no answer lets secrets go in clear.
 * @throws MEMBERS_UNAVAILABLE when none of them can be used, and why the first one cannot
 */
export function placesOf({ cluster, alternatives }: AssignmentAnswer, own: Place): readonly Place[] {
  let first: unknown
  const places = [cluster, ...alternatives].slice(0, MOST_PLACES).flatMap((each) => {
    try {
      return [placeOf(each, own)]
    } catch (err) {
      first ??= err
      return []
    }
  })
  if (places.length > 0) return places
  throw first
}

function placeOf(assigned: AssignedCluster, own: Place): Place {
  const membersOf = (ring: (typeof placeRings)[number]) => {
    const what = `the ${ring} of the cluster ${assigned.name}`
    const needsTls = own[ring].some(({ url }) => url.startsWith('https:'))
    const members = assigned[ring].map(({ id, url }) => ({ id, url: addressOf(url, { what, needsTls }) }))
    return checkedMembers(members, what)
  }
  const [trackers, origins, buildIndexes] = [membersOf('trackers'), membersOf('origins'), membersOf('buildIndexes')]
  return { name: assigned.name, trackers, origins, buildIndexes }
}

function addressOf(text: string, { what, needsTls }: { readonly what: string; readonly needsTls: boolean }): string {
  const refuse = (why: string) => appError('MEMBERS_UNAVAILABLE', { message: `${what}: ${why}` })
  if (!URL.canParse(text)) throw refuse('an address is no URL')
  const { protocol, origin, href } = new URL(text)
  if (!['http:', 'https:'].includes(protocol) || href !== `${origin}/`) throw refuse('an address is no base URL')
  if (needsTls && protocol !== 'https:') throw refuse('an address is without TLS, and those of the config are with it')
  return origin
}
