import { open } from 'node:fs/promises'
import { type AppError, appError, type Clock, hasCode, readFully } from '../base/index.ts'
import type { Logger } from '../telemetry/index.ts'
import { type Watched, watched } from './watched.ts'

/** A small file that others edit. Its start: @throws CONFIG_INVALID when it cannot be read, or makes no sense */
export type WatchedFile<T> = Watched<T>

export interface WatchedFileInit<T> {
  readonly path: string
  /** @throws CONFIG_INVALID for a text that makes no sense; the message must show nothing secret */
  readonly parse: (text: string) => T
  /** Called after a new text was taken. */
  readonly onChange?: () => void
}

/** How often files are looked at. */
const LOOK_MS = 2_000
/** Most bytes of such a file. */
const MAX_WATCHED_FILE = 4 * 1024 * 1024

export const watchedFile = <T>(
  { clock, logger }: { readonly clock: Clock; readonly logger: Logger },
  { path, parse, onChange }: WatchedFileInit<T>,
): WatchedFile<T> =>
  watched(
    { clock },
    {
      read: () => textOf(path),
      textOf: (text) => text,
      parse,
      pauseMs: LOOK_MS,
      onTaken({ isFirst }) {
        if (!isFirst) logger.info('took a changed file', { path })
        onChange?.()
      },
      onRefused: (err) => logger.warn('a file is broken; what it said before stays in force', { path, err }),
    },
  )

const unreadable = (path: string, why: string, cause?: unknown): AppError =>
  appError('CONFIG_INVALID', { message: `${path}: ${why}`, cause })

/** Follows links, since Kubernetes mounts a Secret as one. @throws CONFIG_INVALID */
async function textOf(path: string): Promise<string> {
  try {
    await using handle = await open(path)
    const { size } = await handle.stat()
    if (size > MAX_WATCHED_FILE) throw unreadable(path, `it is larger than ${MAX_WATCHED_FILE} bytes`)
    const bytes = Buffer.alloc(size)
    const length = await readFully(handle, bytes, 0)
    return bytes.subarray(0, length).toString('utf8')
  } catch (err) {
    throw hasCode(err, 'CONFIG_INVALID') ? err : unreadable(path, 'it cannot be read', err)
  }
}
