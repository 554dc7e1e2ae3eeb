/** What nodes tell of their pulls, as far as the console reads it. */
export type WaitSide = 'cluster' | 'peers' | 'node' | 'client'

export type WaitCause =
  | ('lookup' | 'metainfo' | 'bringing' | 'noPeers' | 'dialling' | 'unheld' | 'busy' | 'refused' | 'queued')
  | ('arriving' | 'slowPeer' | 'http' | 'originFailed' | 'timedOut' | 'wrongBytes' | 'ownLimit' | 'memory' | 'hash')
  | ('disk' | 'digest' | 'standstill' | 'client')

export interface Source {
  readonly id: string
  readonly address: string
  readonly role: 'agent' | 'origin'
  readonly name?: string
}

export interface Wait {
  readonly cause: WaitCause
  readonly from?: Source
  readonly ms: number
}

export interface PullRow {
  readonly id: string
  readonly kind: 'lookup' | 'manifest' | 'blob' | 'tool'
  readonly repository: string
  readonly reference: string
  readonly class: 'high' | 'normal' | 'low'
  readonly application?: string
  readonly digest?: string
  readonly size?: number
  readonly startedAtMs: number
  readonly firstByteMs?: number
  readonly totalMs: number
  readonly outcome: string
  readonly bytes: { readonly peer: number; readonly origin: number; readonly http: number; readonly cache: number }
  readonly longestWait?: Wait
}

export interface Pull extends PullRow {
  readonly lastStepFailed?: string
  readonly waits: readonly (Wait & { readonly times: number })[]
  readonly longest: readonly (Wait & { readonly atMs: number })[]
  readonly sources: readonly (Source & {
    readonly bytes: number
    readonly bytesPerSecond?: number
    readonly late: number
    readonly refused: number
    readonly wrong: number
  })[]
  readonly names: readonly { readonly as: 'config' | 'layer' | 'manifest'; readonly digest: string }[]
}

export interface PullsAnswer {
  readonly pulls: readonly PullRow[]
  readonly next?: string
}
