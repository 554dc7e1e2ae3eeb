import { createHash } from 'node:crypto'
import { Worker } from 'node:worker_threads'
import { appError, type Deferred, deferred, oncePerTurn, type Startable } from '../base/index.ts'
import type { DigestAlgorithm } from '../core/index.ts'
import { hashPiece } from './piece-hashing.ts'

/** Computes the SHA-256 of whole pieces, concatenated, and digests of growing content. */
export interface PieceDigester extends Startable {
  /** Never rejects. The bytes must not change until it resolves. */
  digest(bytes: Uint8Array): Promise<Uint8Array>
  /** Starts a digest of no bytes; the caller closes it. */
  running(algorithm: DigestAlgorithm): RunningDigest
  /** Nothing will be hashed for a while: lets go of all memory that it was given. Never rejects. */
  rest(): Promise<void>
}

/** The digest of bytes that arrive in order, some parts at a time. Calls take effect in the order of their making. */
export interface RunningDigest {
  /** The bytes must not change until it settles. @throws UNAVAILABLE when the state so far is lost: start again */
  update(...parts: readonly Uint8Array[]): Promise<void>
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
    rest: () => Promise.resolve(),
  }
}

function inlineRunning(algorithm: DigestAlgorithm): RunningDigest {
  const hash = createHash(algorithm)
  return {
    update(...parts) {
      for (const part of parts) hash.update(part)
      return Promise.resolve()
    },
    end: () => Promise.resolve(hash.digest('hex')),
    close: () => undefined,
  }
}

/** For fewer bytes, a thread costs more than it saves. */
const MIN_THREAD_BYTES = 128 * 1024

/** The thread answers each time when it has hashed so many bytes: a message costs more than many small pieces. */
const ANSWER_BYTES = 1024 * 1024

/** The whole program of the thread; as text it needs neither a file nor a TypeScript loader. */
const PROGRAM = `
const { parentPort } = require('node:worker_threads')
const { createHash, hash } = require('node:crypto')
const { setFlagsFromString } = require('node:v8')
const { runInNewContext } = require('node:vm')
const running = new Map()
const collectGarbage = () => {
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')()
}
const work = ({ of, algorithm, parts, step }) => {
  if (step === 'rest') return collectGarbage()
  if (of === undefined) return hash('sha256', parts[0], 'buffer')
  if (step === 'update') {
    if (!running.has(of)) running.set(of, createHash(algorithm))
    for (const part of parts) running.get(of).update(part)
    return undefined
  }
  const ended = running.get(of) ?? createHash(algorithm)
  running.delete(of)
  return step === 'end' ? ended.digest() : undefined
}
const sizeOf = ({ parts }) => parts.reduce((sum, part) => sum + part.length, 0)
parentPort.on('message', (jobs) => {
  let answers = []
  let bytes = 0
  for (const job of jobs) {
    answers.push({ id: job.id, digest: work(job) })
    bytes += sizeOf(job)
    if (bytes < ${ANSWER_BYTES}) continue
    parentPort.postMessage(answers)
    answers = []
    bytes = 0
  }
  if (answers.length > 0) parentPort.postMessage(answers)
})
`

interface Answer {
  readonly id: number
  readonly digest: Uint8Array | undefined
}

interface Job {
  /** One for a piece, any number for a running digest. */
  readonly parts: readonly Uint8Array[]
  /** The running digest that this message belongs to. */
  readonly of?: number
  readonly algorithm?: DigestAlgorithm
  readonly step?: 'update' | 'end' | 'close' | 'rest'
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
  /** To be posted at the end of this turn, in one message. */
  #outbox: (Job & { readonly id: number })[] = []
  readonly #flush = oncePerTurn(() => this.#postAll())
  #worker: Worker | undefined
  #next = 0
  #nextRunning = 0

  start(): Promise<void> {
    if (this.#worker !== undefined) return Promise.resolve()
    const worker = new Worker(PROGRAM, { eval: true, execArgv: [], env: {}, name: 'piece-digester' })
    worker.unref()
    worker.on('message', (answers: readonly Answer[]) => {
      for (const answer of answers) this.#answered(answer)
    })
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
    return (await this.#post({ parts: [bytes] })) ?? hashPiece(bytes)
  }

  /** Uses the thread that exists at its start or, without one, the calling thread. */
  running(algorithm: DigestAlgorithm): RunningDigest {
    const worker = this.#worker
    if (worker === undefined) return inlineRunning(algorithm)
    this.#nextRunning += 1
    const of = this.#nextRunning
    const post = async (step: NonNullable<Job['step']>, parts: readonly Uint8Array[] = []) => {
      if (this.#worker !== worker) throw lost()
      return this.#post({ of, algorithm, step, parts })
    }
    return {
      update: async (...parts) => {
        await post('update', parts)
      },
      end: async () => Buffer.from((await post('end')) ?? []).toString('hex'),
      close: () => void post('close').catch(() => undefined),
    }
  }

  /** What the thread was given stays, with its memory, until the thread collects its garbage. */
  async rest(): Promise<void> {
    if (this.#worker !== undefined) await this.#post({ parts: [], step: 'rest' })
  }

  #post(job: Job): Promise<Uint8Array | undefined> {
    const done = deferred<Uint8Array | undefined>()
    this.#next += 1
    this.#open.set(this.#next, { job, done })
    this.#outbox.push({ id: this.#next, ...job })
    this.#flush.ask()
    return done.promise
  }

  #postAll(): void {
    const jobs = this.#outbox
    this.#outbox = []
    this.#worker?.postMessage(jobs)
  }

  #answered({ id, digest }: Answer): void {
    this.#open.get(id)?.done.resolve(digest)
    this.#open.delete(id)
  }

  /** Computes the outstanding pieces in the calling thread; the running digests of the dead thread are lost. */
  #lost(worker: Worker): void {
    if (this.#worker !== worker) return
    this.#worker = undefined
    this.#outbox = []
    for (const { job, done } of this.#open.values()) {
      if (job.of === undefined) done.resolve(hashPiece(Buffer.concat(job.parts)))
      else done.reject(lost())
    }
    this.#open.clear()
  }
}
