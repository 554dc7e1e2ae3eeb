/** What a program needs of the process it runs in. */
export interface ProcessHost {
  readonly env: Readonly<Record<string, string | undefined>>
  /** One line for the person at the terminal. */
  complain(line: string): void
  /** One line of what was asked for, to standard output. */
  say(line: string): void
  /** Calls `fn` at SIGTERM and SIGINT; the result takes it off again. */
  onTerminate(fn: (signal: string) => void): () => void
  /** Calls `fn` with the reason of each rejected promise that nobody handles; the result takes it off again. */
  onRejection(fn: (reason: unknown) => void): () => void
}

const SIGNALS = ['SIGTERM', 'SIGINT'] as const

export function processHost(): ProcessHost {
  return {
    env: process.env,
    say: (line) => void process.stdout.write(`${line}\n`),
    complain: (line) => void process.stderr.write(`${line}\n`),
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
