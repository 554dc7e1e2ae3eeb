import type { Cluster, Member } from '../cluster/index.ts'
import type { SwarmId } from '../core/index.ts'
import type { SeedAnswer, SeedChanges } from './tracker.ts'

/** A change of what the node has completely. */
export interface SeedChange {
  readonly swarmId: SwarmId
  /** False when the node no longer has the blob, or gives it no longer. */
  readonly seeded: boolean
}

export interface SeedLedgerInit {
  /** Most seeds that one announce adds or removes. */
  readonly maxChanges: number
  /** Most seeds in all; further ones are not announced. */
  readonly maxSeeds: number
}

/** What one tracker was told, and what it should know. */
interface Account {
  /** What the tracker should know. */
  readonly seeds: Set<SwarmId>
  /** What changed since the last acknowledged state, each with the number of its last change. */
  readonly changed: Map<SwarmId, number>
  /** The last acknowledged state; undefined when the tracker needs everything. */
  base: number | undefined
  /** The number of the last announce. */
  sequence: number
  /** True from a failed announce until the next success: its swarms belong to the next tracker on their ring. */
  down: boolean
  /** Answers in a row that named another state than the announce. */
  misses: number
  /** An announce is under way. One at a time, so that a state has one successor. */
  busy: boolean
}

/** One announce of the ledger, to be given back to `settle`. */
export interface SeedDraft {
  readonly tracker: string
  readonly changes: SeedChanges
  /** The number of the last change that it tells. */
  readonly upTo: number
}

/**
 * Which tracker should know of which seeds of this node, and what each has acknowledged. No input or output: the caller
 * sends the drafts.
 *
 * A change stays in the ledger until its tracker acknowledges a state that has it. So the changes of a lost announce
 * come again in the next one, and it makes no difference whether the tracker took the lost one.
 */
export class SeedLedger {
  readonly #cluster: Cluster
  readonly #init: SeedLedgerInit
  /** Also of trackers that were members lately, which come first. */
  readonly #accounts = new Map<string, Account>()
  #members: readonly Member[] = []
  /** The tracker that should know of each seed. */
  readonly #homes = new Map<SwarmId, string>()
  #changes = 0
  #view = ''

  constructor(cluster: Cluster, init: SeedLedgerInit) {
    this.#cluster = cluster
    this.#init = init
    this.#follow()
    this.#view = this.#healthView()
  }

  /** Number of seeds, over all trackers. */
  get size(): number {
    return this.#homes.size
  }

  /** Whether nobody can be told of the node, since no tracker is known yet. */
  get isHomeless(): boolean {
    return this.#members.length === 0
  }

  set({ swarmId, seeded }: SeedChange): void {
    this.#follow()
    const home = this.#homes.get(swarmId)
    if (!seeded && home !== undefined) this.#leave(swarmId, home)
    if (seeded && home === undefined && this.size < this.#init.maxSeeds) this.#enter(swarmId, this.#homeOf(swarmId))
  }

  /** Gives each seed to the tracker that should know of it now, if trackers have come, gone, or changed their health. */
  rehome(): void {
    this.#follow()
    const view = this.#healthView()
    if (view === this.#view) return
    this.#view = view
    for (const [swarmId, before] of [...this.#homes]) {
      const home = this.#homeOf(swarmId)
      if (home === before) continue
      this.#leave(swarmId, before)
      this.#enter(swarmId, home)
    }
  }

  /** Trackers with news to hear. One that is down hears its news when it is back. */
  get behind(): readonly string[] {
    return this.#idsWhere((account) => !account.down && isBehind(account))
  }

  /**
   * Trackers that should hear that the node is alive, and those that are down and should be tried again. A node that has
   * nothing is known to the tracker of its own id, so that people see that it is there.
   */
  listenersFor(peerId: string): readonly string[] {
    const home = this.size === 0 ? this.#homeOf(peerId) : undefined
    return this.#idsWhere(({ seeds, down }, id) => id === home || (down ? this.#cluster.isHealthy(id) : seeds.size > 0))
  }

  /** The next announce for the tracker; undefined while one is under way. Each draft must be settled. */
  draft(tracker: string): SeedDraft | undefined {
    const account = this.#accounts.get(tracker)
    if (account === undefined || account.busy) return undefined
    account.busy = true
    account.sequence += 1
    if (account.base === undefined) {
      account.changed.clear()
      for (const swarmId of account.seeds) account.changed.set(swarmId, this.#changes)
    }
    const add: SwarmId[] = []
    const remove: SwarmId[] = []
    for (const swarmId of account.changed.keys()) {
      if (add.length + remove.length >= this.#init.maxChanges) break
      if (account.seeds.has(swarmId)) add.push(swarmId)
      else remove.push(swarmId)
    }
    const { sequence, base } = account
    const changes = { sequence, add, remove, ...(base !== undefined && { base }) }
    return { tracker, changes, upTo: this.#changes }
  }

  /** What became of the draft. */
  settle({ tracker, changes, upTo }: SeedDraft, outcome: SeedAnswer | 'failed' | 'aborted'): void {
    const account = this.#accounts.get(tracker)
    if (account === undefined) return
    account.busy = false
    if (outcome === 'aborted') return
    if (outcome === 'failed') account.down = true
    else if (outcome.sequence === changes.sequence) acknowledge(account, { changes, upTo })
    else forgetState(account, outcome.sequence)
  }

  /** Another request to the tracker failed. */
  failed(tracker: string): void {
    const account = this.#accounts.get(tracker)
    if (account !== undefined) account.down = true
  }

  /**
   * Opens an account for each tracker that has come. That of one that has gone is kept for a while: it may come back with
   * what it was told, and then has to hear what is true no longer.
   */
  #follow(): void {
    const { members } = this.#cluster
    if (members === this.#members) return
    this.#members = members
    for (const { id } of members) {
      const account = this.#accounts.get(id) ?? newAccount()
      this.#accounts.delete(id)
      this.#accounts.set(id, account)
    }
    const away = [...this.#accounts].slice(0, -members.length || undefined)
    const idle = away.filter(([, { busy }]) => !busy)
    for (const [id] of idle.slice(0, Math.max(0, away.length - MAX_AWAY))) this.#accounts.delete(id)
  }

  #enter(swarmId: SwarmId, home: string): void {
    this.#homes.set(swarmId, home)
    this.#accounts.get(home)?.seeds.add(swarmId)
    this.#note(swarmId, home)
  }

  #leave(swarmId: SwarmId, home: string): void {
    this.#homes.delete(swarmId)
    this.#accounts.get(home)?.seeds.delete(swarmId)
    this.#note(swarmId, home)
  }

  #note(swarmId: SwarmId, tracker: string): void {
    this.#changes += 1
    this.#accounts.get(tracker)?.changed.set(swarmId, this.#changes)
  }

  /** The first tracker on the ring that is not down; the first of all when none is up. */
  #homeOf(key: string): string {
    const order = this.#cluster.candidates(key)
    return (order.find(({ id }) => this.#accounts.get(id)?.down === false) ?? order[0])?.id ?? ''
  }

  #healthView(): string {
    return this.#cluster.members
      .map(({ id }) => `${id} ${this.#cluster.isHealthy(id)} ${this.#accounts.get(id)?.down}`)
      .join()
  }

  #idsWhere(holds: (account: Account, id: string) => boolean): readonly string[] {
    return this.#members.flatMap(({ id }) => {
      const account = this.#accounts.get(id)
      return account !== undefined && holds(account, id) ? [id] : []
    })
  }
}

/** Trackers that are members no longer, of which is known what they were told. */
const MAX_AWAY = 8
/** Answers in a row with another state, after which a tracker counts as down. */
const MAX_MISSES = 2

function acknowledge(account: Account, { changes, upTo }: Pick<SeedDraft, 'changes' | 'upTo'>): void {
  account.base = changes.sequence
  account.down = false
  account.misses = 0
  for (const swarmId of [...changes.add, ...changes.remove]) {
    if ((account.changed.get(swarmId) ?? 0) <= upTo) account.changed.delete(swarmId)
  }
}

/** The tracker is in a state that this node did not lead it to: it gets everything, under a later number. */
function forgetState(account: Account, sequence: number): void {
  account.base = undefined
  account.sequence = Math.max(account.sequence, sequence)
  account.misses += 1
  account.down = account.misses >= MAX_MISSES
}

function newAccount(): Account {
  return { seeds: new Set(), changed: new Map(), base: undefined, sequence: 0, down: false, misses: 0, busy: false }
}

/** Whether there is something to tell; not whether somebody must hear that the node is alive. */
function isBehind({ seeds, changed, base, sequence }: Account): boolean {
  if (base === undefined) return seeds.size > 0 || sequence > 0
  return changed.size > 0
}
