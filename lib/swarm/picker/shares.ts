import { Bitset } from '../../base/index.ts'

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

const drawOf = (seed: number, piece: number) => mix(seed ^ mix(piece + 0x9e3779b9))

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
    let best = 0
    let strongest = -1
    for (const [index, seed] of seeds.entries()) {
      const draw = drawOf(seed, piece)
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

/**
 * The pieces that `shares` gives to this node, up to date with who takes part: who comes or goes costs one draw for each
 * piece, and a choice none.
 */
export class OwnShare {
  readonly mine: Bitset
  readonly #self: string
  /** How many members draw more than this node does for each piece. */
  readonly #stronger: Uint16Array
  readonly #members = new Set<string>()

  constructor(self: string, pieces: number) {
    this.#self = self
    this.mine = Bitset.full(pieces)
    this.#stronger = new Uint16Array(pieces)
  }

  /** Whether another peer takes part. Idempotent. */
  set(peer: string, member: boolean): void {
    if (member === this.#members.has(peer) || peer === this.#self) return
    if (member) this.#members.add(peer)
    else this.#members.delete(peer)
    const [own, other] = [seedOf(this.#self), seedOf(peer)]
    const winsTies = peer < this.#self
    for (let piece = 0; piece < this.mine.length; piece += 1) {
      const [draw, rival] = [drawOf(own, piece), drawOf(other, piece)]
      if (rival < draw || (rival === draw && !winsTies)) continue
      const stronger = (this.#stronger[piece] ?? 0) + (member ? 1 : -1)
      this.#stronger[piece] = stronger
      if (stronger === 0) this.mine.add(piece)
      else if (member && stronger === 1) this.mine.delete(piece)
    }
  }
}
