import { swarmLimits } from '../limits.ts'
import { type BlockTurns, blockTurns, type OutgoingBlock } from './block-turns.ts'
import type { ByteChannel } from './byte-channel.ts'
import { EXTENDED, encodeExtended } from './messages.ts'

/** What leaves over one link. The other side is told to which lane the messages belong whenever that changes. */
export interface LinkOutput {
  /** Bytes that were written and not yet passed to the operating system. */
  readonly pendingBytes: number
  /** Only grows. */
  readonly writtenBytes: number
  /** A message of the link itself. */
  write(bytes: Uint8Array): void
  writeOn(lane: number, bytes: Uint8Array): void
  /** Sends the block when it is the lane's turn and little waits in the channel. */
  queueBlock(lane: number, block: OutgoingBlock): void
  /** The lane sends no more; blocks that were not passed to the channel are dropped. */
  leave(lane: number): void
  /** The channel has ended: nothing is written after this, and all blocks are dropped. */
  stop(): void
}

/** `onOverflow`: more waits in the channel than a peer may make us keep. Lane 0 is the one that a link begins with. */
export function linkOutput(channel: ByteChannel, onOverflow: () => void): LinkOutput {
  return new Output(channel, onOverflow)
}

class Output implements LinkOutput {
  readonly #channel: ByteChannel
  readonly #onOverflow: () => void
  readonly #turns: BlockTurns = blockTurns()
  /** Blocks in the channel. */
  readonly #leaving = new Set<OutgoingBlock>()
  /** The lane that the other side reads for; undefined when it has ended. */
  #selected: number | undefined = 0
  #stopped = false
  writtenBytes = 0

  constructor(channel: ByteChannel, onOverflow: () => void) {
    this.#channel = channel
    this.#onOverflow = onOverflow
  }

  get pendingBytes(): number {
    return this.#channel.pendingBytes
  }

  write(bytes: Uint8Array): void {
    this.#pass(bytes)
  }

  writeOn(lane: number, bytes: Uint8Array): void {
    this.#select(lane)
    this.#pass(bytes)
  }

  queueBlock(lane: number, block: OutgoingBlock): void {
    this.#turns.add(lane, block)
    this.#pump()
  }

  leave(lane: number): void {
    if (this.#selected === lane) this.#selected = undefined
    for (const block of this.#turns.drop(lane)) block.onDropped()
  }

  stop(): void {
    this.#stopped = true
    const waiting: OutgoingBlock[] = []
    for (let turn = this.#turns.next(); turn !== undefined; turn = this.#turns.next()) waiting.push(turn.block)
    const dropped = [...this.#leaving, ...waiting]
    this.#leaving.clear()
    for (const block of dropped) block.onDropped()
  }

  #pump(): void {
    while (!this.#stopped && this.pendingBytes < swarmLimits.sendHighWaterBytes) {
      const turn = this.#turns.next()
      if (turn === undefined) return
      const { lane, block } = turn
      this.writeOn(lane, block.head)
      this.#leaving.add(block)
      this.#pass(block.bytes, () => this.#onFlushed(block))
    }
  }

  #onFlushed(block: OutgoingBlock): void {
    if (!this.#leaving.delete(block)) return
    block.onFlushed()
    this.#pump()
  }

  #select(lane: number): void {
    if (this.#selected === lane) return
    this.#selected = lane
    const number = Buffer.alloc(4)
    number.writeUInt32BE(lane)
    this.#pass(encodeExtended(EXTENDED.select, number))
  }

  #pass(bytes: Uint8Array, onFlushed?: () => void): void {
    if (this.#stopped) return
    this.writtenBytes += bytes.length
    this.#channel.write(bytes, onFlushed)
    if (this.#channel.pendingBytes > swarmLimits.maxSendQueueBytes) this.#onOverflow()
  }
}
