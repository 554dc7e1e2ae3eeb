import type { Readable } from 'node:stream'
import { expect, test } from '@jest/globals'
import {
  background,
  type Deferred,
  deferred,
  fairBucket,
  fakeClock,
  type Random,
  seededRandom,
  wheel,
} from '../../../lib/base/index.ts'
import { newPeerId, type PieceMap, parseRepository, pieceLengthFor } from '../../../lib/core/index.ts'
import { inlineDigester } from '../../../lib/metainfo/index.ts'
import { memoryStore, type PartialBlob } from '../../../lib/store/index.ts'
import type { SwarmStore } from '../../../lib/swarm/index.ts'
import { swarmLimits } from '../../../lib/swarm/index.ts'
import type { Block, PeerConnection } from '../../../lib/swarm/peer/index.ts'
import { Pull } from '../../../lib/swarm/torrent/pull.ts'
import { type BlockSender, blockSender } from '../../../lib/swarm/torrent/serve/block-sender.ts'
import { classPaces, uploadLane } from '../../../lib/swarm/torrent/serve/upload-lane.ts'
import { askedNames } from '../../../lib/swarm/torrent/shared/asked-names.ts'
import { conducts } from '../../../lib/swarm/torrent/shared/conducts.ts'
import type { Content } from '../../../lib/swarm/torrent/shared/content.ts'
import { overflowShares } from '../../../lib/swarm/torrent/shared/overflow-shares.ts'
import { piecePool } from '../../../lib/swarm/torrent/shared/piece-pool.ts'
import { unwatched } from '../../../lib/swarm/torrent/shared/pull-trace.ts'
import { sliceCache } from '../../../lib/swarm/torrent/shared/slice-cache.ts'
import { swarmMeters } from '../../../lib/swarm/torrent/shared/swarm-meters.ts'
import { warmPieces } from '../../../lib/swarm/torrent/shared/warm-pieces.ts'
import { silentLogger, silentMetrics } from '../../../lib/telemetry/index.ts'
import { scriptedPeer } from '../../kit/scripted-peer.ts'
import { swarmBlob } from '../../kit/swarm-blob.ts'
import { swarmSources } from '../../kit/swarm-sources.ts'
import { type WildPeer, wildPeer } from '../../kit/wild-peer.ts'

const PIECE = pieceLengthFor(0)
/** `RANDOM_STEPS=1000000 RANDOM_SEED=7 npm run jest -- --selectProjects property -- owned-memory` walks further. */
const STEPS = Number(process.env['RANDOM_STEPS'] ?? 100_000)
const SEED = Number(process.env['RANDOM_SEED'] ?? 20_260_801)
/** The walk goes on until it has completed more pulls than this: else it could prove nothing. */
const MIN_COMPLETED = 20
const MAX_STEPS = 3 * STEPS
const blob = swarmBlob(7, 7 * PIECE + 12_345)

/** Checks every byte that leaves the engine, and notes where the first wrong byte of a chunk left. */
class Witness {
  bytes = 0
  readonly wrong: string[] = []

  look(where: string, at: number, bytes: Uint8Array): void {
    this.bytes += bytes.length
    if (Buffer.compare(bytes, blob.bytes.subarray(at, at + bytes.length)) !== 0) this.wrong.push(`${where} at ${at}`)
  }
}

/** Slow work outside of the engine, which ends when the random walk says so. */
class Slow {
  readonly #random: Random
  readonly #waiting: Deferred<void>[] = []
  #hurried = false

  constructor(random: Random) {
    this.#random = random
  }

  async wait(): Promise<void> {
    if (this.#hurried) return
    const done = deferred()
    this.#waiting.push(done)
    await done.promise
  }

  endAll(): void {
    this.#hurried = true
    for (const done of this.#waiting) done.resolve()
  }

  endOne(): void {
    const at = Math.floor(this.#random.next() * this.#waiting.length)
    for (const done of this.#waiting.splice(at, 1)) done.resolve()
  }
}

/** A store that writes slowly and checks the bytes only at the end of the write. */
function watchedStore(
  store: SwarmStore,
  map: PieceMap,
  { witness, slow }: { witness: Witness; slow: Slow },
): SwarmStore {
  const openPartial = async (...args: Parameters<SwarmStore['openPartial']>): Promise<PartialBlob> => {
    const partial = await store.openPartial(...args)
    const write = async (piece: number, bytes: Uint8Array, hash: Uint8Array) => {
      await slow.wait()
      witness.look('disk', map.rangeOf(piece).start, bytes)
      await partial.write(piece, bytes, hash)
    }
    return {
      digest: partial.digest,
      map: partial.map,
      have: partial.have,
      get isGone() {
        return partial.isGone
      },
      write,
      hashOf: (piece) => partial.hashOf(piece),
      read: (range, into) => partial.read(range, into),
      whenVerified: (piece, options) => partial.whenVerified(piece, options),
      complete: () => partial.complete(),
      discard: (reason) => partial.discard(reason),
      lease: () => partial.lease(),
    }
  }
  return new Proxy(store, {
    get: (target, key): unknown => {
      if (key === 'openPartial') return openPartial
      const value: unknown = Reflect.get(target, key, target)
      return typeof value === 'function' ? (...args: unknown[]): unknown => Reflect.apply(value, target, args) : value
    },
  })
}

/** Reads like a client with a slow socket: a chunk counts as sent when the next one is read. */
class Client {
  readonly #stream: Readable
  readonly #witness: Witness
  #at: number
  #last: Uint8Array = new Uint8Array(0)

  constructor(stream: Readable, start: number, witness: Witness) {
    this.#stream = stream
    this.#at = start
    this.#witness = witness
  }

  read(): void {
    this.#witness.look('client', this.#at - this.#last.length, this.#last)
    const chunk: Uint8Array | null = this.#stream.read()
    this.#last = chunk ?? new Uint8Array(0)
    this.#at += this.#last.length
    this.#witness.look('client', this.#at - this.#last.length, this.#last)
  }

  close(): void {
    this.#stream.destroy()
  }
}

/** One pull from misbehaving peers. */
class World {
  readonly #random: Random
  readonly #clock = fakeClock()
  readonly #witness: Witness
  readonly #slow: Slow
  readonly #tasks = background(() => undefined)
  readonly #warm = warmPieces(4 * PIECE)
  readonly #buffers = piecePool({ maxBytes: 8 * PIECE, spare: () => this.#warm.spare() })
  readonly #peers = new Set<WildPeer>()
  #clients: Client[] = []
  #pull!: Pull
  #content: Content | undefined
  #sender: BlockSender | undefined
  over = false

  constructor(random: Random, witness: Witness) {
    this.#random = random
    this.#witness = witness
    this.#slow = new Slow(random)
  }

  async start(): Promise<void> {
    const shared = { clock: this.#clock, random: this.#random, logger: silentLogger() }
    const store = memoryStore(shared, { capacityBytes: 1e9 })
    await store.start()
    const sources = swarmSources([blob])
    const warm = this.#warm
    const slices = sliceCache(3 * PIECE, warm)
    const meters = swarmMeters(silentMetrics())
    const unlimited = fairBucket(this.#clock, { ratePerSecond: undefined })
    this.#pull = new Pull(
      {
        ...shared,
        ...sources,
        warm,
        slices,
        meters,
        overflows: overflowShares(swarmLimits.overflowBytes),
        store: watchedStore(store, blob.map, { witness: this.#witness, slow: this.#slow }),
        buffers: this.#buffers,
        digester: inlineDigester(),
        // Four blocks in each piece, so that several peers give one piece.
        limits: { ...swarmLimits, blockLength: PIECE / 4 },
        conducts: conducts(),
        wheel: wheel(this.#clock),
        downloads: unlimited,
      },
      {
        names: askedNames({ digest: blob.digest, repository: parseRepository('lab') }),
        self: newPeerId(this.#random),
        verify: 'whole',
        direct: false,
        onNamed: () => undefined,
        onTold: () => undefined,
        onPeers: () => undefined,
        prospect: () => 'some',
        anyone: () => true,
      },
      {
        onHeader: () => undefined,
        onInline: () => undefined,
        onContent: (content) => {
          this.#content = content
        },
        onPiece: () => undefined,
        onComplete: () => {
          this.over = true
        },
        onFailed: (err) => {
          throw err
        },
        onLiar: (id) => this.#remove(id),
      },
    )
    this.#pull.start()
    await this.#clock.advance(1)
    const lane = uploadLane(unlimited, 64 * PIECE)
    this.#sender = blockSender(
      { lane, slices, meters },
      {
        connection: this.#neighbour(),
        content: this.#content!,
        paces: classPaces(unlimited, { short: false }),
        tasks: this.#tasks,
        onUnreadable: () => undefined,
      },
    )
  }

  /** One random step of one of the participants. */
  async step(): Promise<void> {
    const dice = this.#random.next()
    if (dice < 0.74) this.#some([...this.#peers])?.act()
    else if (dice < 0.8) this.#some(this.#clients)?.read()
    else if (dice < 0.86) this.#slow.endOne()
    else if (dice < 0.89) this.#ask()
    else if (dice < 0.92) await this.#turnover()
    else if (dice < 0.96) await this.#pass(300)
    else await new Promise((resolve) => setImmediate(resolve))
  }

  async stop(): Promise<void> {
    for (const client of this.#clients) client.close()
    for (const peer of this.#peers) peer.close()
    const stopping = Promise.all([this.#pull.stop(), this.#tasks.stop()])
    this.#slow.endAll()
    await stopping
    await this.#clock.advance(0)
    expect(this.#buffers.usedBytes).toBe(0)
  }

  async #pass(ms: number): Promise<void> {
    await this.#clock.advance(this.#random.next() * ms)
  }

  /** A peer that receives blocks; their bytes are checked when they are really sent. */
  #neighbour(): PeerConnection {
    const sendBlock = async (block: Block, bytes: Uint8Array) => {
      await this.#slow.wait()
      this.#witness.look('peer', blob.map.rangeOf(block.piece).start + block.offset, bytes)
    }
    return { ...scriptedPeer('n', { pieces: blob.map.count }).connection, sendBlock }
  }

  #ask(): void {
    const piece = this.#some([...(this.#content?.have ?? [])])
    if (piece === undefined) return
    const length = Math.min(1 + Math.floor(this.#random.next() * 262_144), blob.map.sizeOf(piece))
    const offset = Math.floor(this.#random.next() * (blob.map.sizeOf(piece) - length))
    this.#sender?.ask({ piece, offset, length })
  }

  /** Peers and clients join and leave. */
  async #turnover(): Promise<void> {
    for (const peer of this.#peers) if (peer.closed) this.#remove(peer.connection.hello.peerId)
    if (this.#peers.size < 4) await this.#join()
    if (this.#clients.length < 3) this.#open()
    else if (this.#random.next() < 0.1) this.#clients.shift()?.close()
  }

  async #join(): Promise<void> {
    const blockLength = this.#some([16, 64, 64, 256])! * 1024
    const peer = await wildPeer({ blob, blockLength, id: newPeerId(this.#random), random: this.#random })
    const { connection } = peer
    const { peerId } = connection.hello
    const nothing = () => undefined
    connection.attach({
      onHave: (pieces) => {
        for (const piece of pieces ?? [undefined]) this.#pull.supply?.download.peerHas(peerId, piece)
      },
      onChoke: () => this.#pull.supply?.download.peerChoked(peerId),
      onInterest: nothing,
      onSuggest: nothing,
      onBusy: nothing,
      onRequest: nothing,
      onCancel: nothing,
      onWant: nothing,
      onClose: () => this.#remove(peerId),
    })
    this.#peers.add(peer)
    this.#pull.supply?.download.addPeer(connection)
  }

  #remove(id: string): void {
    for (const peer of this.#peers) {
      if (peer.connection.hello.peerId !== id) continue
      this.#peers.delete(peer)
      peer.connection.close()
      this.#pull.supply?.download.removePeer(id)
    }
  }

  #open(): void {
    const start = Math.floor(this.#random.next() ** 3 * blob.bytes.length)
    const range = { start, end: blob.bytes.length }
    const stream = this.#pull.read(range, { transient: this.#random.next() < 0.7 }, unwatched())
    this.#clients.push(new Client(stream, start, this.#witness))
  }

  #some<T>(items: readonly T[]): T | undefined {
    return items[Math.floor(this.#random.next() * items.length)]
  }
}

test(
  'every byte that leaves is right, whatever peers do with their answers',
  async () => {
    const random = seededRandom(SEED)
    const witness = new Witness()
    let completed = 0
    const isRight = () => witness.wrong.length === 0
    const goesOn = (step: number) => isRight() && (step < STEPS || (completed <= MIN_COMPLETED && step < MAX_STEPS))
    for (let step = 0; goesOn(step); ) {
      const world = new World(random, witness)
      await world.start()
      for (; goesOn(step) && !world.over; step += 1) await world.step()
      if (world.over) completed += 1
      await world.stop()
    }
    expect({ seed: SEED, wrong: witness.wrong }).toEqual({ seed: SEED, wrong: [] })
    expect(completed).toBeGreaterThan(MIN_COMPLETED)
    expect(witness.bytes).toBeGreaterThan(completed * 2 * blob.bytes.length)
  },
  MAX_STEPS * 0.4,
)
