import { createHash, type Hash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { constants, type FileHandle, open, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { Writable } from 'node:stream'
import { type AbortOptions, appError, codeOf, hasCode, readFully, writeFully } from '../../../lib/base/index.ts'
import { type Digest, digestHex, type WebUrl } from '../../../lib/core/index.ts'

const CHUNK = 1024 * 1024
/** Of a digest in the name of a file. */
const SHORT = 12

/** Where the bytes go. */
export interface Sink extends AsyncDisposable {
  /** Bytes that an earlier run has left; what comes follows them. */
  readonly here: number
  /** Bytes that an earlier run has left and that come anew, since nothing would tell whether they are right. */
  readonly anew?: number
  take(bytes: Uint8Array, options: AbortOptions): Promise<void>
  /** Forgets all that has come; undefined where it has gone on already. */
  readonly restart?: () => Promise<void>
  /**
   * All has come. With a digest it is checked that it is the content of it.
   * @throws DIGEST_INVALID: then nothing of it is kept
   */
  end(digest: Digest | undefined): Promise<void>
}

const wrong = () =>
  appError('DIGEST_INVALID', {
    message: 'what came is not the content of this digest; ask again, and tell who runs the agent',
  })

/** Bytes go on at once, and whether they were right is known at the end. */
export function streamSink(stream: Writable, algorithm: string): Sink {
  const hash = createHash(algorithm)
  let broken: Error | undefined
  const onError = (err: Error) => {
    broken = err
  }
  stream.on('error', onError)
  return {
    here: 0,
    async take(bytes, { signal }) {
      hash.update(bytes)
      if (broken === undefined && !stream.write(bytes)) await once(stream, 'drain', { signal })
      if (broken !== undefined)
        throw appError('ABORTED', { message: 'the reader of the output went away', cause: broken })
    },
    end: (digest) =>
      digest === undefined || hash.digest('hex') === digestHex(digest) ? Promise.resolve() : Promise.reject(wrong()),
    [Symbol.asyncDispose]() {
      stream.off('error', onError)
      return Promise.resolve()
    },
  }
}

/** By what the next run finds what has come of some content. */
export interface KeptPart {
  readonly name: string
  /** The digest of the whole is known, so what is there is gone on with. */
  readonly isProvable: boolean
}

/** Of content that is asked for by its digest. */
export const partOf = (digest: Digest): KeptPart => ({ name: digestHex(digest).slice(0, SHORT), isProvable: true })

/** Of what a URL stands for, told from what it stood for before by the tag. */
export const partOfUrl = (url: WebUrl, tag: string, isProvable: boolean): KeptPart => ({
  ...{ name: createHash('sha256').update(`${url} ${tag}`).digest('hex').slice(0, SHORT), isProvable },
})

/**
 * A file that has its name only when all is there. What has come of content that the next run can tell from other content
 * stays beside it under the name of the part when this ends early, and the next run begins behind it; without a part
 * nothing stays. Two runs at a time write the same bytes to the same places, so nothing is cut off before the end.
 * @throws CONFIG_INVALID when it cannot be written there
 */
export async function fileSink(path: string, kept: KeptPart | undefined, algorithm: string): Promise<Sink> {
  const name = kept?.name ?? randomBytes(SHORT / 2).toString('hex')
  const part = join(dirname(path), `.${basename(path)}.${name}.part`)
  try {
    const handle = await open(part, constants.O_RDWR | constants.O_CREAT)
    const sink = new FileSink({ path, part, kept, algorithm }, handle)
    await sink.begin()
    return sink
  } catch (err) {
    throw appError('CONFIG_INVALID', { message: `cannot write ${path}: ${codeOf(err) ?? 'unknown'}`, cause: err })
  }
}

interface FileSinkInit {
  readonly path: string
  readonly part: string
  readonly kept: KeptPart | undefined
  readonly algorithm: string
}

class FileSink implements Sink {
  readonly #init: FileSinkInit
  readonly #handle: FileHandle
  #hash: Hash
  #at = 0
  #here = 0
  #anew = 0
  #isNamed = false

  constructor(init: FileSinkInit, handle: FileHandle) {
    this.#init = init
    this.#handle = handle
    this.#hash = createHash(init.algorithm)
  }

  get here(): number {
    return this.#here
  }

  get anew(): number {
    return this.#anew
  }

  /** Hashes what is there, if that is gone on with. */
  async begin(): Promise<void> {
    if (this.#init.kept?.isProvable === false) {
      this.#anew = (await this.#handle.stat()).size
      return
    }
    const bytes = Buffer.allocUnsafe(CHUNK)
    for (;;) {
      const count = await readFully(this.#handle, bytes, this.#at)
      this.#hash.update(bytes.subarray(0, count))
      this.#at += count
      if (count < CHUNK) break
    }
    this.#here = this.#at
  }

  async take(bytes: Uint8Array): Promise<void> {
    this.#hash.update(bytes)
    await writeFully(this.#handle, bytes, this.#at)
    this.#at += bytes.length
  }

  async restart(): Promise<void> {
    await this.#handle.truncate(0)
    this.#hash = createHash(this.#init.algorithm)
    this.#at = 0
    this.#here = 0
  }

  async end(digest: Digest | undefined): Promise<void> {
    const { part, path, kept } = this.#init
    if (digest !== undefined && this.#hash.digest('hex') !== digestHex(digest)) {
      await rm(part, { force: true })
      throw wrong()
    }
    await this.#handle.truncate(this.#at)
    await this.#handle.sync()
    await rename(part, path).catch((err: unknown) => {
      // Another run that fetched the same has given it its name.
      if (kept === undefined || !hasCode(err, 'ENOENT')) throw err
    })
    this.#isNamed = true
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#handle.close()
    if (!this.#isNamed && this.#init.kept === undefined) await rm(this.#init.part, { force: true })
  }
}
