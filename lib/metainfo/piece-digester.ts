import { createHash } from 'node:crypto'
import { Worker } from 'node:worker_threads'
import { appError, type Deferred, deferred, type Startable } from '../base/index.ts'
import type { DigestAlgorithm } from '../core/index.ts'
import { hashPiece } from './piece-hashing.ts'

/** Computes the SHA-256 of whole pieces, concatenated, and digests of growing content. */
export interface PieceDigester extends Startable {
  /** Never rejects. The bytes must not change until it resolves. */
  digest(bytes: Uint8Array): Promise<Uint8Array>
  /** Starts a digest of no bytes; the caller closes it. */
  running(algorithm: DigestAlgorithm): RunningDigest
}

/** The digest of bytes that arrive in order, a part at a time. Only one call at a time. */
export interface RunningDigest {
  /** The bytes must not change until it settles. @throws UNAVAILABLE when the state so far is lost: start again */
  update(bytes: Uint8Array): Promise<void>
  /** The digest of all bytes so far, in hex; ends this running digest. @throws UNAVAILABLE as `update` does */
  end(): Promise<string>
  /** Idempotent. */
  close(): void
}

/** Hashes in the calling thread, synchronously. */
export function inlineDigester(): PieceDigester {
  return {
    start: () => Promise.resolve(),
    stop: () => Promise.resolve(),
    digest: (bytes) => Promise.resolve(hashPiece(bytes)),
    running: inlineRunning,
  }
}

function inlineRunning(algorithm: DigestAlgorithm): RunningDigest {
  const hash = createHash(algorithm)
  return {
    update(bytes) {
      hash.update(bytes)
      return Promise.resolve()
    },
    end: () => Promise.resolve(hash.digest('hex')),
    close: () => undefined,
  }
}

const NOTHING = new Uint8Array(0)

/** For fewer bytes, a thread costs more than it saves. */
const MIN_THREAD_BYTES = 128 * 1024

/** The whole program of the thread; as text it needs neither a file nor a TypeScript loader. */
const PROGRAM = `
const { parentPort } = require('node:worker_threads')
const { createHash, hash } = require('node:crypto')
const running = new Map()
const work = ({ of, algorithm, bytes, step }) => {
  if (of === undefined) return hash('sha256', bytes, 'buffer')
  if (step === 'update') {
    if (!running.has(of)) running.set(of, createHash(algorithm))
    running.get(of).update(bytes)
    return undefined
  }
  const ended = running.get(of) ?? createHash(algorithm)
  running.delete(of)
  return step === 'end' ? ended.digest() : undefined
}
parentPort.on('message', (job) => parentPort.postMessage({ id: job.id, digest: work(job) }))
`

interface Answer {
  readonly id: number
  readonly digest: Uint8Array | undefined
}

interface Job {
  readonly bytes: Uint8Array
  /** The running digest that this message belongs to. */
  readonly of?: number
  readonly algorithm?: DigestAlgorithm
  readonly step?: 'update' | 'end' | 'close'
}

const lost = () => appError('UNAVAILABLE', { message: 'the thread that computed a digest has ended' })

/**
 * Hashes shared memory in a separate thread, beside the event loop. Other memory is hashed in the calling thread,
 * because it would have to be copied. Without the thread (before `start`, after `stop`, or when it died), everything is
 * hashed in the calling thread.
 */
export function threadDigester(): PieceDigester {
  return new ThreadDigester()
}

class ThreadDigester implements PieceDigester {
  readonly #open = new Map<number, { readonly job: Job; readonly done: Deferred<Uint8Array | undefined> }>()
  #worker: Worker | undefined
  #next = 0
  #nextRunning = 0

  start(): Promise<void> {
    if (this.#worker !== undefined) return Promise.resolve()
    const worker = new Worker(PROGRAM, { eval: true, execArgv: [], env: {}, name: 'piece-digester' })
    worker.unref()
    worker.on('message', (answer: Answer) => this.#answered(answer))
    worker.on('error', () => this.#lost(worker))
    worker.on('exit', () => this.#lost(worker))
    this.#worker = worker
    return Promise.resolve()
  }

  async stop(): Promise<void> {
    const worker = this.#worker
    if (worker === undefined) return
    this.#lost(worker)
    await worker.terminate()
  }

  async digest(bytes: Uint8Array): Promise<Uint8Array> {
    const worker = this.#worker
    if (worker === undefined || bytes.length < MIN_THREAD_BYTES || !(bytes.buffer instanceof SharedArrayBuffer)) {
      return hashPiece(bytes)
    }
    return (await this.#post(worker, { bytes })) ?? hashPiece(bytes)
  }

  /** Uses the thread that exists at its start or, without one, the calling thread. */
  running(algorithm: DigestAlgorithm): RunningDigest {
    const worker = this.#worker
    if (worker === undefined) return inlineRunning(algorithm)
    this.#nextRunning += 1
    const of = this.#nextRunning
    const post = async (step: NonNullable<Job['step']>, bytes: Uint8Array = NOTHING) => {
      if (this.#worker !== worker) throw lost()
      return this.#post(worker, { of, algorithm, step, bytes })
    }
    return {
      update: async (bytes) => {
        await post('update', bytes)
      },
      end: async () => Buffer.from((await post('end')) ?? NOTHING).toString('hex'),
      close: () => void post('close').catch(() => undefined),
    }
  }

  #post(worker: Worker, job: Job): Promise<Uint8Array | undefined> {
    const done = deferred<Uint8Array | undefined>()
    this.#next += 1
    this.#open.set(this.#next, { job, done })
    worker.postMessage({ id: this.#next, ...job })
    return done.promise
  }

  #answered({ id, digest }: Answer): void {
    this.#open.get(id)?.done.resolve(digest)
    this.#open.delete(id)
  }

  /** Computes the outstanding pieces in the calling thread; the running digests of the dead thread are lost. */
  #lost(worker: Worker): void {
    if (this.#worker !== worker) return
    this.#worker = undefined
    for (const { job, done } of this.#open.values()) {
      if (job.of === undefined) done.resolve(hashPiece(job.bytes))
      else done.reject(lost())
    }
    this.#open.clear()
  }
}
