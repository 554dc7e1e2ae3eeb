/** Mixes to 32 well-spread bits (the finaliser of MurmurHash3). */
function mix(value: number): number {
  let h = value >>> 0
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}

/** 32 bits of a peer id: its last 8 hex characters are random in every client. */
function seedOf(peerId: string): number {
  return Number.parseInt(peerId.slice(-8), 16) >>> 0
}

/**
 * Splits the pieces among the incomplete agents that know each other, without any messages: each piece goes to the peer
 * with the highest draw (rendezvous hashing), so every node with this rule computes the same split. An agent requests
 * its own share from origins first, and an origin suggests to each agent its share, so that one wave of cold agents
 * takes only about one copy from all origins together.
 */
export interface Shares {
  /** Undefined when there are no members. */
  ownerOf(piece: number): string | undefined
}

export function shares(members: readonly string[], pieces: number): Shares {
  // Sorted, so that equal draws have the same result whatever the order of the list.
  const ids = [...members].sort()
  const seeds = ids.map(seedOf)
  const owners = new Uint16Array(pieces)
  const decide = (piece: number): number => {
    const salt = mix(piece + 0x9e3779b9)
    let best = 0
    let strongest = -1
    for (const [index, seed] of seeds.entries()) {
      const draw = mix(seed ^ salt)
      if (draw <= strongest) continue
      strongest = draw
      best = index
    }
    return best
  }
  return {
    ownerOf(piece) {
      if (ids.length <= 1) return ids[0]
      const known = owners[piece] ?? 0
      if (known > 0) return ids[known - 1]
      const owner = decide(piece)
      owners[piece] = owner + 1
      return ids[owner]
    },
  }
}
