import { type AppError, appError, type Clock, isAppError, readLinked } from '../base/index.ts'
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

/** @throws CONFIG_INVALID */
async function textOf(path: string): Promise<string> {
  try {
    return await readLinked(path, MAX_WATCHED_FILE)
  } catch (err) {
    throw unreadable(path, isAppError(err) ? err.message : 'it cannot be read', err)
  }
}
