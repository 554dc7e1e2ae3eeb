import type { Socket } from 'node:net'
import { type AgeLinks, AgeList } from '../base/index.ts'

/** The connections of a listener, of which there is a limited number. */
export interface ConnectionSlots {
  /**
   * Takes a new connection. Beyond the limit, the one that has been without a request for the longest time is closed for
   * it; when all have one, the new one is.
   */
  add(socket: Socket): void
  /** The connection has a request; call the result when its answer has closed. */
  use(socket: Socket): () => void
}

interface Slot extends AgeLinks<Slot> {
  readonly socket: Socket
  /** Running requests. */
  running: number
}

export function connectionSlots(max: number, onClosed: () => void): ConnectionSlots {
  const slots = new Map<Socket, Slot>()
  /** Those without a request, in the order in which they were last used. */
  const idle = new AgeList<Slot>()

  const drop = (slot: Slot) => {
    if (slots.delete(slot.socket) && slot.running === 0) idle.remove(slot)
  }
  const change = (socket: Socket, by: 1 | -1) => {
    const slot = slots.get(socket)
    if (slot === undefined) return
    if (slot.running === 0) idle.remove(slot)
    slot.running += by
    if (slot.running === 0) idle.add(slot)
  }

  return {
    add(socket) {
      const slot: Slot = { socket, running: 0, older: undefined, newer: undefined }
      slots.set(socket, slot)
      idle.add(slot)
      socket.once('close', () => drop(slot))
      if (slots.size <= max) return
      const victim = idle.oldest ?? slot
      drop(victim)
      victim.socket.destroy()
      onClosed()
    },
    use(socket) {
      change(socket, 1)
      return () => change(socket, -1)
    },
  }
}
