/** What is counted during a run; sizes in bytes. */
export interface Tally {
  /** Payload that left origins, and agents. */
  originBytes: number
  agentBytes: number
  /** Of both: what went from one zone to another. */
  acrossBytes: number
  /** Payload that came when nobody waited for it any more. */
  wastedBytes: number
  /** Requests of a second peer for the same piece. */
  repeats: number
  /** Requests that were given up because no answer came in time. */
  timeouts: number
  /** Requests that an origin did not grant. */
  denied: number
  /** Torrents to which nobody gave anything for so long that a real agent would ask the origins over HTTP. */
  starved: number
}

export function tally(): Tally {
  return {
    originBytes: 0,
    agentBytes: 0,
    acrossBytes: 0,
    wastedBytes: 0,
    repeats: 0,
    timeouts: 0,
    denied: 0,
    starved: 0,
  }
}
