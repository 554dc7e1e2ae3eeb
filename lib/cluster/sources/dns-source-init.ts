/** Types of records that name members. */
type MemberRecord = 'SRV' | 'A' | 'AAAA'

export interface DnsSourceInit {
  /** The full name: no domain of a search list is added. */
  readonly name: string
  readonly record: MemberRecord
  /** Of the members; SRV records bring their own. */
  readonly port?: number | undefined
  readonly scheme: 'http' | 'https'
  /** Addresses of name servers, with or without port; default: those of the system. */
  readonly servers?: readonly string[] | undefined
  /** Bounds of the time between two questions; in between, it is the TTL of the records. */
  readonly minRefreshMs: number
  readonly maxRefreshMs: number
}
