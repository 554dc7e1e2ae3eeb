import { type AgeLinks, AgeList, holders, remoteAddressOf } from '../base/index.ts'
import { isLoopback } from '../identity/index.ts'
import { clientOf } from './client-of.ts'

/** What is needed of a connection here. */
export interface SlottedConnection {
  readonly remoteAddress?: string | undefined
  once(event: 'close', listener: () => void): unknown
  destroy(): unknown
}

/** The connections of a listener, of which there is a limited number. */
export interface ConnectionSlots {
  /**
   * Takes a new connection. When its address has its share of the places, the one of that address that has been without
   * a request for the longest time is closed for it; when there is no place at all, the one of the address with the
   * most such connections. The new one is closed when all the others have a request.
   */
  add(connection: SlottedConnection): void
  /** The connection has a request; call the result when its answer has closed. */
  use(connection: SlottedConnection): () => void
}

export interface ConnectionSlotsInit {
  readonly max: number
  /**
   * Share of them that one caller may have: an IPv4 address or a network of IPv6. Not for those on this machine: all of
   * its programs have one address.
   */
  readonly addressShare: number
}

/** What has no place for a connection: the whole listener, or its address alone. */
export type FullPlace = 'connections' | 'address_connections'

interface Caller {
  readonly name: string
  readonly max: number
  open: number
  /** Connections without a request, in the order in which they were last used. */
  readonly idle: AgeList<Slot>
}

interface Slot extends AgeLinks<Slot> {
  readonly connection: SlottedConnection
  readonly caller: Caller
  /** Running requests. */
  running: number
}

export function connectionSlots(init: ConnectionSlotsInit, onClosed: (full: FullPlace) => void): ConnectionSlots {
  return new Slots(init, onClosed)
}

class Slots implements ConnectionSlots {
  readonly #init: ConnectionSlotsInit
  readonly #onClosed: (full: FullPlace) => void
  readonly #slots = new Map<SlottedConnection, Slot>()
  readonly #callers = new Map<string, Caller>()
  /** How many connections without a request each caller has. */
  readonly #idle = holders()

  constructor(init: ConnectionSlotsInit, onClosed: (full: FullPlace) => void) {
    this.#init = init
    this.#onClosed = onClosed
  }

  add(connection: SlottedConnection): void {
    const caller = this.#callerOf(connection)
    const slot: Slot = { connection, caller, running: 0, older: undefined, newer: undefined }
    this.#slots.set(connection, slot)
    caller.open += 1
    this.#rest(slot)
    connection.once('close', () => this.#drop(slot))
    if (caller.open > caller.max) this.#close(caller, 'address_connections')
    else if (this.#slots.size > this.#init.max) this.#close(this.#mostIdle ?? caller, 'connections')
  }

  use(connection: SlottedConnection): () => void {
    this.#change(connection, 1)
    return () => this.#change(connection, -1)
  }

  #callerOf(connection: SlottedConnection): Caller {
    const name = clientOf({ socket: connection })
    const known = this.#callers.get(name)
    if (known !== undefined) return known
    const { max, addressShare } = this.#init
    const isLimited = addressShare < 1 && !isLoopback(remoteAddressOf(connection) ?? '')
    const share = isLimited ? Math.max(1, Math.floor(max * addressShare)) : Number.POSITIVE_INFINITY
    const caller = { name, max: share, open: 0, idle: new AgeList<Slot>() }
    this.#callers.set(name, caller)
    return caller
  }

  get #mostIdle(): Caller | undefined {
    const name = this.#idle.largest
    return name === undefined ? undefined : this.#callers.get(name)
  }

  /** Closes the connection of the caller that has been without a request for the longest time. */
  #close({ idle }: Caller, full: FullPlace): void {
    const victim = idle.oldest
    if (victim === undefined) return
    this.#drop(victim)
    victim.connection.destroy()
    this.#onClosed(full)
  }

  #change(connection: SlottedConnection, by: 1 | -1): void {
    const slot = this.#slots.get(connection)
    if (slot === undefined) return
    if (slot.running === 0) this.#wake(slot)
    slot.running += by
    if (slot.running === 0) this.#rest(slot)
  }

  #rest(slot: Slot): void {
    slot.caller.idle.add(slot)
    this.#idle.add(slot.caller.name, 1)
  }

  #wake(slot: Slot): void {
    slot.caller.idle.remove(slot)
    this.#idle.add(slot.caller.name, -1)
  }

  #drop(slot: Slot): void {
    if (!this.#slots.delete(slot.connection)) return
    if (slot.running === 0) this.#wake(slot)
    slot.caller.open -= 1
    if (slot.caller.open === 0) this.#callers.delete(slot.caller.name)
  }
}
