import { Worker } from 'node:worker_threads'
import { type Deferred, deferred, type Startable } from '../base/index.ts'
import { hashPiece } from './piece-hashing.ts'

/** Computes the SHA-256 of whole pieces, one after the other. */
export interface PieceDigester extends Startable {
  /** Never rejects. The bytes must not change until it resolves. */
  digest(bytes: Uint8Array): Promise<Uint8Array>
}

/** Hashes where it is called, at once. */
export function inlineDigester(): PieceDigester {
  return {
    start: () => Promise.resolve(),
    stop: () => Promise.resolve(),
    digest: (bytes) => Promise.resolve(hashPiece(bytes)),
  }
}

/** Below this a thread costs more than it saves. */
const MIN_THREAD_BYTES = 128 * 1024

/** The whole program of the thread; text, so that it needs no file and no loader of TypeScript. */
const PROGRAM = `
const { parentPort } = require('node:worker_threads')
const { hash } = require('node:crypto')
parentPort.on('message', ({ id, bytes }) => parentPort.postMessage({ id, digest: hash('sha256', bytes, 'buffer') }))
`

interface Answer {
  readonly id: number
  readonly digest: Uint8Array
}

/**
 * Hashes in a thread of its own what lies in shared memory, beside the event loop; anything else where it is called,
 * since it would have to be copied. When the thread is not there (before `start`, after `stop`, or it died), all is
 * hashed where it is called.
 */
export function threadDigester(): PieceDigester {
  return new ThreadDigester()
}

class ThreadDigester implements PieceDigester {
  readonly #open = new Map<number, { readonly bytes: Uint8Array; readonly done: Deferred<Uint8Array> }>()
  #worker: Worker | undefined
  #next = 0

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

  digest(bytes: Uint8Array): Promise<Uint8Array> {
    const worker = this.#worker
    if (worker === undefined || bytes.length < MIN_THREAD_BYTES || !(bytes.buffer instanceof SharedArrayBuffer)) {
      return Promise.resolve(hashPiece(bytes))
    }
    const done = deferred<Uint8Array>()
    this.#next += 1
    this.#open.set(this.#next, { bytes, done })
    worker.postMessage({ id: this.#next, bytes })
    return done.promise
  }

  #answered({ id, digest }: Answer): void {
    this.#open.get(id)?.done.resolve(digest)
    this.#open.delete(id)
  }

  /** What it still owed is computed here. */
  #lost(worker: Worker): void {
    if (this.#worker !== worker) return
    this.#worker = undefined
    for (const { bytes, done } of this.#open.values()) done.resolve(hashPiece(bytes))
    this.#open.clear()
  }
}
