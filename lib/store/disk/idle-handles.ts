import type { FileHandle } from 'node:fs/promises'
import type { Clock, Timer } from '../../base/index.ts'

/** A file that is opened on first use and closed after some time without use. */
export interface IdleHandle {
  /** The handle stays valid during `work`. */
  use<T>(work: (handle: FileHandle) => Promise<T>): Promise<T>
  /** Waits for all users, then closes; a later `use` opens the file again. */
  close(): Promise<void>
}

export interface IdleHandles {
  /** `open` is called at each opening, because the file may have been renamed meanwhile. */
  handle(open: () => Promise<FileHandle>): IdleHandle
  /** Closes all files that are open now. */
  closeAll(): Promise<void>
}

export interface IdleHandlesInit {
  readonly idleMs: number
  /** Receives the error when a background close fails. */
  readonly onFailure: (err: unknown) => void
}

export function idleHandles(clock: Clock, init: IdleHandlesInit): IdleHandles {
  const openNow = new Set<IdleHandle>()

  const handle = (open: () => Promise<FileHandle>): IdleHandle => {
    let opened: Promise<FileHandle> | undefined
    let timer: Timer | undefined
    const users = new Set<Promise<unknown>>()

    const run = async <T>(work: (handle: FileHandle) => Promise<T>): Promise<T> => {
      if (opened === undefined) {
        const opening = open()
        opened = opening
        openNow.add(self)
        opening.catch(() => {
          if (opened === opening) opened = undefined
          openNow.delete(self)
        })
      }
      return work(await opened)
    }

    const self: IdleHandle = {
      async use(work) {
        timer?.cancel()
        const turn = run(work)
        const settled = turn.catch(() => undefined)
        users.add(settled)
        try {
          return await turn
        } finally {
          users.delete(settled)
          if (users.size === 0 && opened !== undefined) {
            timer = clock.setTimer(init.idleMs, () => void self.close().catch(init.onFailure), { background: true })
          }
        }
      },
      async close() {
        timer?.cancel()
        const closing = opened
        opened = undefined
        openNow.delete(self)
        await Promise.all(users)
        const file = await closing?.catch(() => undefined)
        await file?.close()
      },
    }
    return self
  }

  return {
    handle,
    async closeAll() {
      await Promise.all([...openNow].map((open) => open.close()))
    },
  }
}
