import { constants } from 'node:os'
import type { Writable } from 'node:stream'

/** What a program needs from the process it runs in. */
export interface ProcessHost {
  readonly env: Readonly<Record<string, string | undefined>>
  /** Prints one line to the terminal, on standard error. */
  complain(line: string): void
  /** Prints one line of the requested output, on standard output. */
  say(line: string): void
  /** Standard output, for bytes. */
  readonly output: Writable
  /**
   * Shows a line on the terminal in place of the last one that was shown so; an empty one takes it away. Undefined where
   * standard error is no terminal.
   */
  readonly show: ((line: string) => void) | undefined
  /** Calls `fn` on SIGTERM and SIGINT; the returned function removes the handler. */
  onTerminate(fn: (signal: string) => void): () => void
  /** Calls `fn` with the reason of each unhandled rejection; the returned function removes the handler. */
  onRejection(fn: (reason: unknown) => void): () => void
}

/** What terminals take for: clear this line. */
const CLEAR_LINE = '\u001b[2K'

const SIGNALS = ['SIGTERM', 'SIGINT'] as const

export function processHost(): ProcessHost {
  return {
    env: process.env,
    say: (line) => void process.stdout.write(`${line}\n`),
    complain: (line) => void process.stderr.write(`${line}\n`),
    output: process.stdout,
    show: process.stderr.isTTY ? (line) => void process.stderr.write(`\r${CLEAR_LINE}${line}`) : undefined,
    onTerminate(fn) {
      for (const signal of SIGNALS) process.on(signal, fn)
      return () => {
        for (const signal of SIGNALS) process.off(signal, fn)
      }
    },
    onRejection(fn) {
      process.on('unhandledRejection', fn)
      return () => void process.off('unhandledRejection', fn)
    },
  }
}

/**
 * Lets SIGTERM and SIGINT end this process as they end any other, while nothing that it runs handles them. Process 1 of a
 * container needs this, since the kernel gives it no signal for which it has no handler.
 */
export function endedBySignals(): void {
  for (const signal of SIGNALS) {
    process.on(signal, () => {
      if (process.listenerCount(signal) === 1) process.exit(128 + constants.signals[signal])
    })
  }
}
