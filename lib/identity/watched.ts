import { type Clock, rounds, type Startable } from '../base/index.ts'

/** Something that others change, as it was when it last made sense. */
export interface Watched<T> extends Startable {
  /** Reads it, and looks at it again and again until the stop. @throws what `read` and `parse` throw */
  start(): Promise<void>
  /** Undefined before the start. */
  readonly value: T | undefined
}

export interface WatchedInit<Raw, T> {
  /** What is there now. */
  readonly read: () => Promise<Raw>
  /** Differs whenever what was read does. */
  readonly textOf: (raw: Raw) => string
  /** @throws when it makes no sense */
  readonly parse: (raw: Raw) => T
  /** Pause between two looks, milliseconds: events of the file system do not tell of every mount. */
  readonly pauseMs: number
  /** Called when what was read counts. */
  readonly onTaken: (how: { readonly isFirst: boolean }) => void
  /** Called once for each text that makes no sense, and when it cannot be read. What was there before stays in force. */
  readonly onRefused: (err: unknown) => void
}

/** Takes each new version that makes sense. */
export function watched<Raw, T>({ clock }: { readonly clock: Clock }, init: WatchedInit<Raw, T>): Watched<T> {
  let [value, text, refused]: [T | undefined, string | undefined, string | undefined] = [
    undefined,
    undefined,
    undefined,
  ]
  const take = (raw: Raw, found: string) => {
    value = init.parse(raw)
    const isFirst = text === undefined
    ;[text, refused] = [found, undefined]
    init.onTaken({ isFirst })
  }
  const refuse = (what: string, err: unknown) => {
    if (refused !== what) init.onRefused(err)
    refused = what
  }
  const lookAgain = async () => {
    const raw = await init.read()
    const found = init.textOf(raw)
    if (found === text) refused = undefined
    else {
      try {
        take(raw, found)
      } catch (err) {
        refuse(found, err)
      }
    }
    return init.pauseMs
  }
  const looks = rounds(clock, {
    work: lookAgain,
    onFailure: (err) => refuse(String(err), err),
    retryMs: init.pauseMs,
  })
  return {
    get value() {
      return value
    },
    async start() {
      if (text !== undefined) return
      const raw = await init.read()
      take(raw, init.textOf(raw))
      await looks.start()
    },
    async stop() {
      await looks.stop()
      text = undefined
    },
  }
}
