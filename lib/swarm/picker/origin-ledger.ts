import type { Bitset } from '../../base/index.ts'
import { type Availability, availability } from './availability.ts'
import { type PieceDivision, pieceDivision } from './piece-division.ts'
import { type Suggestions, type SuggestionTaker, type SuggestionView, suggestions } from './suggestions.ts'

/** `retryMs` is when asking again makes sense, if nobody else has given the piece until then. */
export type Admission = { readonly given: true } | { readonly given: false; readonly retryMs: number }

export interface OriginLedgerInit {
  /** Number of pieces of the blob. */
  readonly pieces: number
  /** Member id of this origin. */
  readonly self: string
  /** Whether the origin has the piece; default: it has all of them. */
  readonly has?: ((piece: number) => boolean) | undefined
}

/**
 * What one origin has given of one blob, and to whom; decides whether an agent gets a piece from it now, whichever way
 * the agent asks. The rules:
 *
 * - The origins of the blob divide its pieces among themselves. An origin gives each piece of its share to
 *   `copiesFor(agents)` agents, which give it to the others.
 * - A piece counts as given to an agent while the agent has it or fetches it. When the agent leaves, it may be given
 *   again; but an agent that leaves with all pieces goes on giving them, and counts for a while.
 * - Who is refused gets the piece after a bounded wait, one agent after the other: the wait follows the time that
 *   agents need to fetch and verify a piece, and is the longest where other agents have the piece already. After
 *   `MAX_PATIENCE_MS` an agent gets what it asks for, whatever else is true.
 * - One agent alone gets everything at once, and no suggestions.
 *
 * Nothing in it waits or reads a clock: `nowMs` is any clock that only grows.
 */
export interface OriginLedger {
  /** The origins that divide the blob at this moment; without any, everything is this origin's own. */
  divide(origins: readonly string[]): void
  /** The agent has got `piece`; without `piece` it has joined or has told anew what it has. */
  update(agent: string, have: Bitset, piece: number | undefined, nowMs: number): void
  /** The agent asks for the piece or a part of it. What it was given, it may ask for again. */
  ask(agent: string, piece: number, nowMs: number): Admission
  /** What the agent was given and has not got yet will not be sent. */
  release(agent: string): void
  /** The origin has got the piece. */
  arrived(piece: number): void
  /** The agent has left. */
  remove(agent: string, nowMs: number): void
  /** Pieces to suggest to the agent now, so that it asks for what no other agent asks for. */
  suggest(agent: string): readonly number[]
}

/** Limits of the wait of an agent that was refused a piece. */
const MIN_WAIT_MS = 1_000
const MAX_WAIT_MS = 8_000
/** The wait before any agent has got a piece. */
const FIRST_WAIT_MS = 3_000
/** The wait in times of the observed time to get a piece. */
const WAIT_FACTOR = 4
/** After this time an agent gets what it was refused. */
const MAX_PATIENCE_MS = 16_000
/** How long an agent that has left with everything counts, and one that only asked, without ever saying what it has. */
const REMEMBER_MS = 60_000
const STRANGER_MS = 10_000
/** An agent that leaves with all but this part of the pieces has finished: its last messages may have got lost. */
const FINISHED_SHARE = 1 / 16
/** Most suggested pieces that an agent does not have yet. */
const MAX_PROMISES = 8
/** Most refusals remembered of one agent. */
const MAX_REFUSALS = 4_096
const MAX_FINISHED = 1_024
const SMOOTHING = 0.2

/** How often an origin gives each piece: once for up to 100 agents, twice up to 1,000, and so on. */
export function copiesFor(agents: number): number {
  return 1 + Math.max(0, Math.ceil(Math.log10(Math.max(1, agents) / 100)))
}

interface Agent extends SuggestionTaker {
  /** Undefined until it has said what it has. */
  have: Bitset | undefined
  /** When it was given the pieces that it does not have yet. */
  readonly open: Map<number, number>
  /** When it was refused each piece for the first time. */
  readonly refused: Map<number, number>
  seenMs: number
}

export function originLedger(init: OriginLedgerInit): OriginLedger {
  return new Ledger(init)
}

class Ledger implements OriginLedger {
  readonly #pieces: number
  readonly #division: PieceDivision
  readonly #agents = new Map<string, Agent>()
  readonly #have: Availability
  /** Agents that fetch each piece. */
  readonly #open: Uint16Array
  readonly #givenMs = new Map<number, number>()
  readonly #suggestions: Suggestions
  readonly #view: SuggestionView
  #finishedMs: number[] = []
  /** Agents that still need something. */
  #waiting = 0
  #getMs: number | undefined

  constructor({ pieces, self, has = () => true }: OriginLedgerInit) {
    this.#pieces = pieces
    this.#division = pieceDivision(self, pieces)
    this.#have = availability(pieces)
    this.#open = new Uint16Array(pieces)
    this.#suggestions = suggestions(pieces)
    const perPiece = () => copiesFor(this.#waiting)
    this.#view = {
      get perPiece() {
        return perPiece()
      },
      copies: (piece) => this.#copies(piece),
      isOwn: (piece) => has(piece) && this.#division.isOwn(piece),
    }
  }

  divide(origins: readonly string[]): void {
    if (this.#division.among(origins)) this.#suggestions.restart()
  }

  update(id: string, have: Bitset, piece: number | undefined, nowMs: number): void {
    const agent = this.#agent(id, nowMs)
    agent.have = have
    this.#have.update(id, have, piece)
    if (piece !== undefined) this.#got(agent, piece, nowMs)
    else for (const each of [...agent.open.keys(), ...agent.promised]) if (have.has(each)) this.#got(agent, each, nowMs)
    this.#count()
  }

  ask(id: string, piece: number, nowMs: number): Admission {
    this.#forgetStrangers(nowMs)
    const agent = this.#agent(id, nowMs)
    agent.seenMs = nowMs
    if (agent.open.has(piece)) return { given: true }
    const waitMs = this.#isFree(piece, nowMs) ? 0 : this.#waitMs(agent, piece, nowMs)
    if (waitMs > 0) {
      if (agent.refused.size < MAX_REFUSALS && !agent.refused.has(piece)) agent.refused.set(piece, nowMs)
      this.#suggestions.settle(agent, piece)
      return { given: false, retryMs: waitMs }
    }
    agent.open.set(piece, nowMs)
    agent.refused.delete(piece)
    this.#open[piece] = (this.#open[piece] ?? 0) + 1
    this.#givenMs.set(piece, nowMs)
    this.#suggestions.settle(agent, piece)
    return { given: true }
  }

  release(id: string): void {
    const agent = this.#agents.get(id)
    if (agent === undefined) return
    for (const piece of [...agent.open.keys()]) {
      this.#close(agent, piece)
      this.#suggestions.putBack(piece)
    }
  }

  arrived(piece: number): void {
    this.#suggestions.putBack(piece)
  }

  remove(id: string, nowMs: number): void {
    const agent = this.#agents.get(id)
    if (agent === undefined) return
    for (const piece of [...agent.promised]) {
      this.#suggestions.settle(agent, piece)
      this.#suggestions.putBack(piece)
    }
    this.release(id)
    this.#have.remove(id)
    this.#agents.delete(id)
    this.#count()
    if ((agent.have?.count ?? 0) < this.#pieces * (1 - FINISHED_SHARE)) {
      for (const piece of agent.have ?? []) this.#suggestions.putBack(piece)
      return
    }
    this.#finishedMs.push(nowMs)
    if (this.#finishedMs.length > MAX_FINISHED) this.#finishedMs.shift()
  }

  suggest(id: string): readonly number[] {
    const agent = this.#agents.get(id)
    if (agent === undefined || this.#waiting <= 1) return []
    const most = Math.min(MAX_PROMISES, Math.max(1, Math.ceil(this.#pieces / (2 * this.#waiting))))
    const chosen: number[] = []
    while (agent.promised.size < most) {
      const piece = this.#suggestions.next(agent, this.#view)
      if (piece === undefined) break
      chosen.push(piece)
    }
    return chosen
  }

  #agent(id: string, nowMs: number): Agent {
    const known = this.#agents.get(id)
    if (known !== undefined) return known
    const agent: Agent = {
      have: undefined,
      ...{ open: new Map(), refused: new Map(), promised: new Set<number>(), seenMs: nowMs },
      has: (piece) => agent.open.has(piece) || agent.have?.has(piece) === true,
    }
    this.#agents.set(id, agent)
    this.#count()
    return agent
  }

  /** Agents that have the piece or fetch it. */
  #copies(piece: number): number {
    return this.#have.copies(piece) + this.#finishedMs.length + (this.#open[piece] ?? 0)
  }

  #isFree(piece: number, nowMs: number): boolean {
    if (this.#waiting <= 1) return true
    while ((this.#finishedMs[0] ?? nowMs) < nowMs - REMEMBER_MS) this.#finishedMs.shift()
    return this.#division.isOwn(piece) && this.#copies(piece) < copiesFor(this.#waiting)
  }

  /** How long the agent still has to wait for a piece that others have or fetch. */
  #waitMs({ refused }: Agent, piece: number, nowMs: number): number {
    const firstMs = refused.get(piece) ?? nowMs
    const sinceMs = Math.max(firstMs, this.#givenMs.get(piece) ?? firstMs)
    const isThere = this.#have.copies(piece) + this.#finishedMs.length > 0
    const adaptiveMs = this.#getMs === undefined ? FIRST_WAIT_MS : this.#getMs * WAIT_FACTOR
    const fullMs = isThere ? MAX_WAIT_MS : Math.min(MAX_WAIT_MS, Math.max(MIN_WAIT_MS, adaptiveMs))
    return Math.min(sinceMs + fullMs, firstMs + MAX_PATIENCE_MS) - nowMs
  }

  #got(agent: Agent, piece: number, nowMs: number): void {
    const givenMs = agent.open.get(piece)
    if (givenMs !== undefined) {
      const tookMs = nowMs - givenMs
      this.#getMs = this.#getMs === undefined ? tookMs : this.#getMs + SMOOTHING * (tookMs - this.#getMs)
      this.#close(agent, piece)
    }
    agent.refused.delete(piece)
    this.#suggestions.settle(agent, piece)
  }

  #close(agent: Agent, piece: number): void {
    if (agent.open.delete(piece)) this.#open[piece] = (this.#open[piece] ?? 0) - 1
  }

  #count(): void {
    this.#waiting = 0
    for (const { have } of this.#agents.values()) if (have?.complete !== true) this.#waiting += 1
  }

  /** Who asks without a connection is gone when it asks no more. */
  #forgetStrangers(nowMs: number): void {
    for (const [id, { have, seenMs }] of this.#agents) {
      if (have === undefined && nowMs - seenMs > STRANGER_MS) this.remove(id, nowMs)
    }
  }
}
