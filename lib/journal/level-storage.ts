import { ClassicLevel } from 'classic-level'
import { appError, codeOf, type KeyedLock, keyedLock, makeOwnFolder, syncFolder } from '../base/index.ts'
import type { JournalStorage, StorageChange, StorageRecord, StorageWriteOptions } from './journal-storage.ts'

export interface LevelStorageInit {
  /** Created when missing. */
  readonly folder: string
}

type Level = ClassicLevel<string, Uint8Array>

const causeOf = (err: unknown): unknown =>
  typeof err === 'object' && err !== null && 'cause' in err ? err.cause : undefined

/**
 * A journal storage in LevelDB. After a failed write the state of the database's log is unknown, so the next write
 * reopens the database.
 */
class LevelStorage implements JournalStorage {
  readonly #folder: string
  readonly #opening: KeyedLock = keyedLock()
  #level: Level | undefined
  #isBroken = false

  constructor(folder: string) {
    this.#folder = folder
  }

  start(): Promise<void> {
    return this.#opening.run('', async () => {
      this.#level ??= await this.#open()
    })
  }

  stop(): Promise<void> {
    return this.#opening.run('', async () => {
      const level = this.#level
      this.#level = undefined
      this.#isBroken = false
      await level?.close()
    })
  }

  async write(changes: readonly StorageChange[], { sync }: StorageWriteOptions): Promise<void> {
    const level = this.#isBroken ? await this.#reopen() : this.#running()
    const operations = changes.map(({ key, value }) =>
      value === undefined ? ({ type: 'del', key } as const) : ({ type: 'put', key, value } as const),
    )
    try {
      await level.batch(operations, { sync })
      // LevelDB syncs the bytes of a new log file, but not at once the folder that names it.
      if (sync) await syncFolder(this.#folder)
    } catch (err) {
      if (level === this.#level) this.#isBroken = true
      throw unavailable(err)
    }
  }

  async *records(): AsyncGenerator<StorageRecord> {
    const level = this.#running()
    try {
      for await (const [key, value] of level.iterator()) yield { key, value }
    } catch (err) {
      throw unavailable(err)
    }
  }

  #running(): Level {
    if (this.#level === undefined) throw appError('JOURNAL_UNAVAILABLE', { message: 'the journal is not open' })
    return this.#level
  }

  #reopen(): Promise<Level> {
    return this.#opening.run('', async () => {
      const before = this.#running()
      if (!this.#isBroken) return before
      await before.close()
      const level = await this.#open()
      this.#level = level
      this.#isBroken = false
      return level
    })
  }

  async #open(): Promise<Level> {
    await makeOwnFolder(this.#folder).catch((err: unknown) => Promise.reject(unavailable(err)))
    const level: Level = new ClassicLevel(this.#folder, { keyEncoding: 'utf8', valueEncoding: 'view' })
    try {
      await level.open()
      return level
    } catch (err) {
      await level.close()
      if (codeOf(causeOf(err)) !== 'LEVEL_LOCKED') throw unavailable(err)
      const message = 'the journal folder is in use by another process; stop it, or give this one another folder'
      throw appError('JOURNAL_IN_USE', { message, detail: { folder: this.#folder }, cause: err })
    }
  }
}

function unavailable(err: unknown) {
  return appError('JOURNAL_UNAVAILABLE', { cause: err })
}

/** A journal storage in a folder of this machine. */
export function levelStorage({ folder }: LevelStorageInit): JournalStorage {
  return new LevelStorage(folder)
}
