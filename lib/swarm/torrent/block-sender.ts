import { type AppError, type Background, hasCode, toAppError } from '../../base/index.ts'
import type { Block, PeerConnection } from '../peer/index.ts'
import type { Content } from './content.ts'
import type { SliceCache } from './slice-cache.ts'
import type { SwarmMeters } from './swarm-meters.ts'
import type { UploadLane } from './upload-lane.ts'

export interface BlockSenderComponents {
  readonly lane: UploadLane
  readonly slices: SliceCache
  readonly meters: SwarmMeters
}

export interface BlockSenderInit {
  readonly connection: PeerConnection
  readonly content: Content
  readonly tasks: Background
  /** The content could not be read. */
  onUnreadable(err: AppError): void
}

/** Answers the requests of one peer in their order, a few at a time. */
export interface BlockSender {
  ask(block: Block): void
  /** The peer no longer wants it. */
  cancel(block: Block): void
  /** Nothing of what waits is answered; the connection has rejected it. */
  clear(): void
}

/** Blocks of one peer being read or sent; so many keep its socket busy. */
const WORKERS = 4

/** The rate is shared fairly because every peer has only so many blocks in the queue of the bucket. */
export function blockSender(components: BlockSenderComponents, init: BlockSenderInit): BlockSender {
  const { lane, slices, meters } = components
  const { connection, content, tasks } = init
  let queue: Block[] = []
  let workers = 0
  let counted = 0

  const countSent = () => {
    const { sentBytes } = connection.stats
    meters.sentToPeers.add(sentBytes - counted)
    counted = sentBytes
  }

  const send = async (block: Block, signal: AbortSignal) => {
    await lane.bucket.take(block.length, { signal })
    const start = content.map.rangeOf(block.piece).start + block.offset
    const bytes = await slices.read(content, { start, end: start + block.length })
    await connection.sendBlock(block, bytes)
    countSent()
  }

  const work = async (signal: AbortSignal) => {
    try {
      for (let block = queue.shift(); block !== undefined && !signal.aborted; block = queue.shift()) {
        await attempt(block, signal)
      }
    } finally {
      workers -= 1
    }
  }

  const attempt = async (block: Block, signal: AbortSignal) => {
    try {
      await send(block, signal)
    } catch (err) {
      if (hasCode(err, 'PEER_CLOSED', 'ABORTED')) return
      connection.sendReject(block)
      init.onUnreadable(toAppError(err, 'STORE_CORRUPT'))
    } finally {
      lane.leave(block.length)
    }
  }

  return {
    ask(block) {
      if (!content.have.has(block.piece) || !lane.tryQueue(block.length)) {
        connection.sendReject(block)
        return
      }
      queue.push(block)
      if (workers >= WORKERS) return
      workers += 1
      tasks.run('send-blocks', work)
    },
    cancel(block) {
      const at = queue.findIndex((one) => one.piece === block.piece && one.offset === block.offset)
      if (at < 0) return
      lane.leave(queue[at]?.length ?? 0)
      queue.splice(at, 1)
    },
    clear() {
      for (const block of queue) lane.leave(block.length)
      queue = []
    },
  }
}
