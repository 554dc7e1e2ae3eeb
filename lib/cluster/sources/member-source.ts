import type { AbortOptions } from '../../base/index.ts'
import type { Member } from '../cluster.ts'

/** Most members of a cluster that a source may name. */
export const MAX_SOURCED = 1_000

/** What a source said at one time. */
export interface NamedMembers {
  /** Never empty. */
  readonly members: readonly Member[]
  /** When to ask again, milliseconds from now; undefined: the answer never changes. */
  readonly againMs: number | undefined
}

/** Where the members of a cluster are read. It keeps nothing: whoever asks decides what becomes of an answer. */
export interface MemberSource {
  /** What it reads, for people: `the file /etc/shoal/origins.yaml`. */
  readonly what: string
  /** Hosts by which its members are called beside those that their URLs name; `*.example.com` as a listener takes it. */
  readonly hosts: readonly string[]
  /**
   * All members now. May be called again at any time, also while another call runs.
   * @throws MEMBERS_UNAVAILABLE when it cannot be read or makes no sense, MEMBERS_NONE when it names nobody, ABORTED
   */
  read(options?: AbortOptions): Promise<NamedMembers>
}
