import { appError, type Random } from '../base/index.ts'
import type { Logger } from '../telemetry/index.ts'
import type { Upload } from './blob-store.ts'
import type { UploadCandidate } from './eviction.ts'
import type { FoundUpload, Volume } from './medium.ts'
import type { OpenUpload } from './upkeep.ts'
import { type UploadComponents, type UploadSession, uploadSession } from './upload-session.ts'

/** Uploads as those see them who make room. */
export interface UploadRoom {
  /** All uploads, those used least lately first. */
  list(): readonly OpenUpload[]
  /** Uploads that may make room now; not those without a byte. */
  idle(): readonly UploadCandidate[]
  /** Removes the upload unless somebody has begun to use it. Returns whether it was removed. */
  evict(id: string): Promise<boolean>
}

/** Uploads from the start of the store to its stop. */
export interface UploadsLife {
  restore(found: readonly FoundUpload[]): void
  /** Removes uploads that nobody has used for `idleMs`. */
  sweep(idleMs: number): Promise<void>
  /** Aborts all running appends; the bytes received so far are kept. */
  interrupt(): Promise<void>
  /** Ends all uploads on a lost volume. */
  forget(volume: Volume): Promise<void>
}

/** Uploads as those see them who send bytes. */
export interface UploadAccess {
  create(): Promise<Upload>
  /** @throws BLOB_UPLOAD_UNKNOWN */
  get(id: string): Promise<Upload>
}

export type Uploads = UploadsLife & UploadAccess & UploadRoom

export interface UploadsComponents extends Omit<UploadComponents, 'ended'> {
  readonly random: Random
  readonly choose: (id: string) => Volume
  readonly logger: Logger
  /** Told after each change of their number. */
  readonly changed: (count: number) => void
}

const ID_BYTES = 16

function uploadRoom(sessions: ReadonlyMap<string, UploadSession>): UploadRoom {
  return {
    list: () =>
      [...sessions.values()]
        .map(({ id, size, usedAtMs, rest }) => ({ id, size, usedAtMs, rest }))
        .sort((a, b) => a.usedAtMs - b.usedAtMs),
    idle: () =>
      [...sessions.values()].flatMap(({ id, volume, size, usedAtMs, rest }) =>
        rest === 'used' || size === 0
          ? []
          : [{ kind: 'upload', id, abandoned: rest === 'abandoned', volume, bytes: size, usedAtMs }],
      ),
    async evict(id) {
      const session = sessions.get(id)
      if (session === undefined || session.rest === 'used') return false
      await session.abort()
      return true
    },
  }
}

/** All uploads of a store. Only ids that were made here or found in the folder are used in a path. */
export function uploads(components: UploadsComponents): Uploads {
  const { files, space, random, logger, now, changed } = components
  const sessions = new Map<string, UploadSession>()

  const add = (found: FoundUpload): UploadSession => {
    const ended = (id: string) => {
      sessions.delete(id)
      changed(sessions.size)
    }
    const session = uploadSession({ ...components, ended }, found)
    sessions.set(found.id, session)
    changed(sessions.size)
    return session
  }

  return {
    restore(found) {
      sessions.clear()
      for (const upload of found) {
        add(upload)
        space.adopt(upload.size)
      }
    },
    async create() {
      const id = Buffer.from(random.bytes(ID_BYTES)).toString('hex')
      const usedAtMs = now()
      const volume = components.choose(id)
      await space.write(0, volume, () => files.create(id, volume, usedAtMs))
      return add({ id, volume, size: 0, usedAtMs })
    },
    async get(id) {
      const session = sessions.get(id)
      if (session === undefined) throw appError('BLOB_UPLOAD_UNKNOWN')
      return session
    },
    async sweep(idleMs) {
      for (const session of [...sessions.values()]) {
        if (session.busy || now() - session.usedAtMs < idleMs) continue
        logger.info('removed an idle upload', { upload: session.id, bytes: session.size })
        await session.abort()
      }
    },
    ...uploadRoom(sessions),
    async forget(volume) {
      await Promise.all([...sessions.values()].filter((each) => each.volume === volume).map((each) => each.abort()))
    },
    async interrupt() {
      await Promise.all([...sessions.values()].map((session) => session.interrupt()))
    },
  }
}
