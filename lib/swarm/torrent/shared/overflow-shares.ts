/** The memory for pieces that a full disk refuses, which all torrents share: each that needs some gets as much. */
export interface OverflowShares {
  /** Bytes that each of those that take part may keep. */
  readonly bytes: number
  /** Takes part; `onLess` is called when the share has become smaller. Call the result once, to leave. */
  join(onLess: () => void): () => void
}

export function overflowShares(maxBytes: number): OverflowShares {
  const members = new Set<() => void>()
  return {
    get bytes() {
      return maxBytes / Math.max(1, members.size)
    },
    join(onLess) {
      members.add(onLess)
      for (const member of members) if (member !== onLess) member()
      return () => void members.delete(onLess)
    },
  }
}
