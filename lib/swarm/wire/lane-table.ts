import {
  type AppError,
  abortController,
  appError,
  deferred,
  onAbort,
  throwIfAborted,
  toAppError,
} from '../../base/index.ts'
import { type SwarmId, swarmIdOf } from '../../core/index.ts'
import { swarmLimits } from '../limits.ts'
import { isSameHeader, type SwarmHeader } from './extension-handshake.ts'
import { Lane } from './lane.ts'
import { type LaneReader, laneDrain } from './lane-drain.ts'
import { encodeLaneMessage, type LaneMessage, type LaneRefusal, refusalOf } from './lane-messages.ts'
import type { LaneSlot, LaneTableInit } from './lane-table-contract.ts'
import type { LaneInit, LinkOwner, Wire } from './wire-contract.ts'

const invalid = (message: string, lane: number) => appError('WIRE_FRAME_INVALID', { message, detail: { lane } })

/** The lanes of one link: how they begin and end, and to which one the messages belong that arrive. */
export class LaneTable {
  readonly #init: LaneTableInit
  readonly #slots = new Map<number, LaneSlot>()
  /** The lane whose messages arrive. */
  #selected: LaneReader | undefined
  #lastOurs: number
  #lastTheirs: number
  /** Lanes that were asked for in this minute, by us and by them. */
  #ours = 0
  #theirs = 0
  #closed = false

  constructor(init: LaneTableInit) {
    this.#init = init
    this.#lastOurs = init.dialled ? 0 : -1
    this.#lastTheirs = init.dialled ? -1 : 0
  }

  /** The lane that the link begins with. */
  first(init: LaneInit): Wire {
    const lane = this.#newLane(0, init)
    this.#slots.set(0, { state: 'open', lane })
    this.#selected = lane
    return lane
  }

  get inUse(): boolean {
    for (const { state } of this.#slots.values()) if (state !== 'closing') return true
    return false
  }

  get mayOpen(): boolean {
    return (
      !this.#closed && this.#init.owner() !== undefined && this.#hasRoom && this.#ours < swarmLimits.maxLaneOpens / 2
    )
  }

  /** @throws WIRE_FRAME_INVALID when the lane has ended and no other one was selected */
  get selected(): LaneReader {
    if (this.#selected === undefined) throw appError('WIRE_FRAME_INVALID', { message: 'a message belongs to no lane' })
    return this.#selected
  }

  async open(init: LaneInit, signal: AbortSignal | undefined): Promise<Wire> {
    throwIfAborted(signal)
    if (!this.mayOpen) throw appError(this.#closed ? 'PEER_CLOSED' : 'PEER_LIMIT')
    this.#lastOurs += 2
    this.#ours += 1
    const number = this.#lastOurs
    const answer = deferred<Wire>()
    this.#slots.set(number, { state: 'asked', init, answer })
    this.#init.onUse()
    this.#send({ kind: 'open', lane: number, header: init.header })
    const takeBack = onAbort(signal, () => {
      if (this.#slots.get(number)?.state !== 'asked') return
      this.#leave(number, init.header)
      answer.reject(appError('ABORTED', { cause: signal?.reason }))
    })
    try {
      return await answer.promise
    } finally {
      takeBack()
    }
  }

  /** @throws WIRE_FRAME_INVALID for a lane that is not open */
  select(number: number): void {
    const slot = this.#slots.get(number)
    const isOpen = slot?.state === 'open' || (slot?.state === 'closing' && slot.accepted)
    if (!isOpen) throw invalid('the lane is not open', number)
    const reader = slot.state === 'open' ? slot.lane : slot.drain
    if (reader === this.#selected) this.#init.idle.add()
    this.#selected = reader
  }

  /** @throws WIRE_FRAME_INVALID for what does not fit the state of the lane */
  take(message: LaneMessage): void {
    if (message.kind === 'open') this.#onOpen(message.lane, message.header)
    else if (message.kind === 'accept') this.#onAccept(message.lane)
    else if (message.kind === 'refuse') this.#onRefuse(message.lane, message.why)
    else this.#onClose(message.lane)
  }

  /** Call it every minute. @throws STALLED when the other side does not answer the end of a lane */
  minute(): void {
    this.#ours = 0
    this.#theirs = 0
    for (const slot of this.#slots.values()) {
      if (slot.state !== 'closing') continue
      slot.minutes += 1
      if (slot.minutes > 1) throw appError('STALLED', { message: 'the peer does not answer the end of a lane' })
    }
  }

  /** The link has ended. */
  close(err: AppError | undefined): void {
    this.#closed = true
    const slots = [...this.#slots.values()]
    this.#slots.clear()
    for (const slot of slots) {
      if (slot.state === 'asked') slot.answer.reject(appError('PEER_CLOSED', { cause: err }))
      if (slot.state === 'admitting') slot.left.abort()
      if (slot.state === 'admitting' || slot.state === 'open') slot.lane?.end(err)
    }
  }

  get #hasRoom(): boolean {
    return this.#slots.size < swarmLimits.maxLanesPerLink
  }

  #send(message: LaneMessage): void {
    this.#init.host.output.write(encodeLaneMessage(message))
  }

  #newLane(number: number, init: LaneInit): Lane {
    return new Lane(this.#init.host, {
      ...init,
      number,
      onUse: () => this.#confirm(number),
      onStart: () => {
        if (number === 0) this.#init.onStart()
      },
      onClose: (err) => this.#onLaneClosed(number, err),
    })
  }

  /** We use the lane that they have asked for. */
  #confirm(number: number): void {
    const slot = this.#slots.get(number)
    if (slot?.state !== 'admitting' || slot.lane === undefined) return
    this.#slots.set(number, { state: 'open', lane: slot.lane })
    this.#send({ kind: 'accept', lane: number })
  }

  /** Whoever uses the lane here wants no more of it. */
  #onLaneClosed(number: number, err: AppError | undefined): void {
    const shared = this.#init.owner() !== undefined && (err === undefined || err.code === 'PEER_LIMIT')
    const slot = this.#slots.get(number)
    if (!shared || slot === undefined) this.#init.onFailure(err)
    else if (slot.state === 'admitting') this.#refuse(number, 'full')
    else if (slot.state === 'open') {
      this.#leave(number, slot.lane.header)
      slot.lane.end(err)
    }
    if (shared && number === 0) this.#init.onStart()
  }

  /** Tells the other side that the lane is over, and ignores what is still on its way. */
  #leave(number: number, header: SwarmHeader): void {
    const before = this.#slots.get(number)
    const drain = laneDrain(header)
    const accepted = before?.state === 'open'
    if (accepted && this.#selected === before.lane) this.#selected = drain
    this.#slots.set(number, { state: 'closing', drain, accepted, minutes: 0 })
    this.#send({ kind: 'close', lane: number })
    this.#init.onUse()
  }

  #refuse(number: number, why: LaneRefusal): void {
    const slot = this.#slots.get(number)
    this.#slots.delete(number)
    this.#send({ kind: 'refuse', lane: number, why })
    if (slot?.state !== 'admitting') return
    slot.lane?.end(undefined)
    this.#init.onUse()
  }

  #onOpen(number: number, header: SwarmHeader): void {
    const { dialled, idle } = this.#init
    const owner = this.#init.owner()
    const parity = dialled ? 1 : 0
    if (owner === undefined) {
      idle.add()
      return
    }
    if (number % 2 !== parity || number <= this.#lastTheirs) throw invalid('a lane has a wrong number', number)
    this.#lastTheirs = number
    this.#theirs += 1
    if (this.#theirs > swarmLimits.maxLaneOpens) throw invalid('the peer asks for too many lanes', number)
    if (!this.#hasRoom) {
      this.#refuse(number, 'full')
      return
    }
    const left = abortController()
    this.#slots.set(number, { state: 'admitting', left, lane: undefined })
    this.#init.onUse()
    this.#admit(number, header, owner, left.signal).catch((err: unknown) => this.#init.onFailure(toAppError(err)))
  }

  async #admit(number: number, header: SwarmHeader, owner: Pick<LinkOwner, 'admit'>, signal: AbortSignal) {
    const isOver = () => this.#slots.get(number)?.state !== 'admitting'
    try {
      const swarmId: SwarmId = swarmIdOf(header.digest)
      const known = await owner.admit(swarmId, { signal })
      if (isOver()) return
      if (known === undefined || !isSameHeader(known, header)) this.#refuse(number, 'unknown')
      else this.#init.onLane({ swarmId, header, accept: (events) => this.#accept(number, { header, events }) })
    } catch (err) {
      if (isOver()) return
      if (toAppError(err).code === 'UNKNOWN') throw err
      this.#refuse(number, 'unknown')
    }
  }

  #accept(number: number, init: LaneInit): Wire {
    const slot = this.#slots.get(number)
    if (slot?.state !== 'admitting') throw appError('PEER_CLOSED')
    slot.lane = this.#newLane(number, init)
    return slot.lane
  }

  #onAccept(number: number): void {
    const slot = this.#slots.get(number)
    if (slot?.state === 'closing' && !slot.accepted) {
      slot.accepted = true
      return
    }
    if (slot?.state !== 'asked') throw invalid('a lane was accepted that nobody asked for', number)
    const lane = this.#newLane(number, slot.init)
    this.#slots.set(number, { state: 'open', lane })
    slot.answer.resolve(lane)
  }

  #onRefuse(number: number, why: LaneRefusal): void {
    const slot = this.#slots.get(number)
    if (slot?.state !== 'asked' && !(slot?.state === 'closing' && !slot.accepted)) {
      throw invalid('a lane was refused that nobody asked for', number)
    }
    this.#slots.delete(number)
    if (slot.state === 'asked') slot.answer.reject(refusalOf(why))
    this.#init.onUse()
  }

  #onClose(number: number): void {
    const slot = this.#slots.get(number)
    if (slot === undefined) {
      const last = number % 2 === (this.#init.dialled ? 0 : 1) ? this.#lastOurs : this.#lastTheirs
      if (number > last) throw invalid('a lane was closed that never was', number)
      // We have refused it meanwhile.
      this.#init.idle.add()
      return
    }
    if (slot.state === 'asked') throw invalid('a lane was closed that was not accepted', number)
    this.#slots.delete(number)
    if (slot.state !== 'closing') this.#send({ kind: 'close', lane: number })
    if (slot.state === 'admitting') slot.left.abort()
    const reader = slot.state === 'closing' ? slot.drain : slot.lane
    if (reader === this.#selected) this.#selected = undefined
    if (slot.state !== 'closing') slot.lane?.end(appError('PEER_CLOSED'))
    this.#init.onUse()
  }
}
