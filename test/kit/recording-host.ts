import type { ProcessHost } from '../../lib/base/index.ts'

/** A process whose output a test can read. */
export interface RecordingHost extends ProcessHost {
  readonly said: string
  readonly complained: string
}

export function recordingHost(env: ProcessHost['env'] = {}): RecordingHost {
  const said: string[] = []
  const complained: string[] = []
  return {
    env,
    say: (line) => void said.push(line),
    complain: (line) => void complained.push(line),
    onTerminate: () => () => undefined,
    onRejection: () => () => undefined,
    get said() {
      return said.join('\n')
    },
    get complained() {
      return complained.join('\n')
    },
  }
}
