import { PassThrough } from 'node:stream'
import type { ProcessHost } from '../../lib/base/index.ts'

/** A process whose output a test can read. */
export interface RecordingHost extends ProcessHost {
  readonly said: string
  readonly complained: string
  /** Bytes on standard output. */
  readonly bytes: Buffer
  /** Lines that the terminal has shown. */
  readonly shown: readonly string[]
  /** Ctrl-C. */
  interrupt(): void
}

export function recordingHost(env: ProcessHost['env'] = {}, terminal = false): RecordingHost {
  const chunks: Buffer[] = []
  const shown: string[] = []
  const terminate = new Set<(signal: string) => void>()
  const said: string[] = []
  const complained: string[] = []
  return {
    env,
    say: (line) => void said.push(line),
    complain: (line) => void complained.push(line),
    output: new PassThrough().on('data', (chunk: Buffer) => void chunks.push(chunk)),
    show: terminal ? (line) => void shown.push(line) : undefined,
    shown,
    onTerminate(fn) {
      terminate.add(fn)
      return () => void terminate.delete(fn)
    },
    interrupt() {
      for (const fn of terminate) fn('SIGINT')
    },
    get bytes() {
      return Buffer.concat(chunks)
    },
    onRejection: () => () => undefined,
    get said() {
      return said.join('\n')
    },
    get complained() {
      return complained.join('\n')
    },
  }
}
