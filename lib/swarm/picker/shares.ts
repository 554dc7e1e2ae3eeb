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

/** How strongly a peer is drawn to a piece; the highest of a group has it as its share (rendezvous hashing). */
export function draw(peerId: string, piece: number): number {
  return mix(seedOf(peerId) ^ mix(piece + 0x9e3779b9))
}

/**
 * Splits the pieces among this node and the incomplete agents it knows, without a word between them: who works by the
 * same rule comes to the same split. A node asks origins for its own share first, so that one wave of cold agents takes
 * about one copy from the origins together.
 */
export interface Shares {
  isMine(piece: number): boolean
}

export function shares(self: string, others: readonly string[], pieces: number): Shares {
  const known = new Uint8Array(pieces)
  const decide = (piece: number): boolean => {
    const own = draw(self, piece)
    return others.every((other) => draw(other, piece) <= own)
  }
  return {
    isMine(piece) {
      if (others.length === 0) return true
      if (known[piece] === 0) known[piece] = decide(piece) ? 1 : 2
      return known[piece] === 1
    },
  }
}
