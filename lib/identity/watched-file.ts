import { open } from 'node:fs/promises'
import { type AppError, appError, type Clock, hasCode, readFully, rounds, type Startable } from '../base/index.ts'
import type { Logger } from '../telemetry/index.ts'

/** A small file that others edit, as it was when it was last whole. */
export interface WatchedFile<T> extends Startable {
  /** @throws CONFIG_INVALID when the file cannot be read, or makes no sense */
  start(): Promise<void>
  /** Undefined before the start. */
  readonly value: T | undefined
}

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

/** Takes each new text of the file that makes sense; one that does not is told in the log, once, and the old one stays. */
export function watchedFile<T>(
  { clock, logger }: { readonly clock: Clock; readonly logger: Logger },
  { path, parse, onChange }: WatchedFileInit<T>,
): WatchedFile<T> {
  let [value, text, fault]: [T | undefined, string | undefined, string | undefined] = [undefined, undefined, undefined]
  const look = async () => {
    const found = await textOf(path)
    if (found === text) {
      fault = undefined
      return
    }
    value = parse(found)
    if (text !== undefined) logger.info('took a changed file', { path })
    ;[text, fault] = [found, undefined]
    onChange?.()
  }
  const lookAgain = async () => {
    try {
      await look()
    } catch (err) {
      const why = String((err as { readonly message?: unknown }).message)
      if (why !== fault) logger.warn('a file is broken; what it said before stays in force', { path, err })
      fault = why
    }
    return LOOK_MS
  }
  const looks = rounds(clock, {
    work: lookAgain,
    onFailure: (err) => logger.error('failed to look at a file', { path, err }),
    retryMs: LOOK_MS,
  })
  return {
    get value() {
      return value
    },
    async start() {
      if (text !== undefined) return
      await look()
      await looks.start()
    },
    async stop() {
      await looks.stop()
      text = undefined
    },
  }
}

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
