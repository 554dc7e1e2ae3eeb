import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { deadline, onAbort, systemClock } from '../../lib/base/index.ts'
import { describeExit, exitOf, killGroup } from './child-process.ts'

export type Environment = Readonly<Record<string, string | undefined>>

export interface RunOptions {
  /** The whole environment, not additions; default: that of this process. */
  readonly env?: Environment
  readonly cwd?: string
  /** Written to the standard input of the command. */
  readonly input?: string | Uint8Array
  /** Milliseconds after which the command is killed; default two minutes. */
  readonly timeoutMs?: number
  readonly signal?: AbortSignal | undefined
}

export interface RunResult {
  readonly stdout: string
  readonly stderr: string
}

/** A command did not start, or did not exit with 0. The message ends with the last output. */
export class CommandFailed extends Error {
  override readonly name = 'CommandFailed'
  readonly exitCode: number | undefined
  readonly stdout: string
  readonly stderr: string

  constructor(what: string, result: RunResult & { exitCode?: number | undefined; cause?: unknown }) {
    super([what, tail(result.stdout), tail(result.stderr)].filter((part) => part !== '').join('\n'), {
      cause: result.cause,
    })
    this.exitCode = result.exitCode
    this.stdout = result.stdout
    this.stderr = result.stderr
  }
}

/**
 * Runs a command and waits for its end.
 *
 * @throws CommandFailed when its exit code is not 0, when it cannot start, or when the time limit or the signal ends it
 */
export async function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const what = [command, ...args].join(' ')
  options.signal?.throwIfAborted()
  const child = spawn(command, args, {
    cwd: options.cwd,
    env: options.env ?? process.env,
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
  })
  const cut = deadline(systemClock(), options.timeoutMs ?? 120_000, options.signal)
  onAbort(cut.signal, () => killGroup(child, 'SIGKILL'))
  try {
    // A command that does not read its input closes the pipe; this is no failure.
    child.stdin.on('error', () => undefined).end(options.input)
    const [stdout, stderr, exit] = await Promise.all([text(child.stdout), text(child.stderr), exitOf(child)])
    if (exit.code === 0) return { stdout, stderr }
    const end = cut.signal.aborted ? 'was cut off' : describeExit(exit)
    throw new CommandFailed(`${what} ${end}`, { stdout, stderr, exitCode: exit.code, cause: exit.error })
  } finally {
    cut.release()
  }
}

/** The last 30 lines of an output. */
function tail(output: string): string {
  return output.trimEnd().split('\n').slice(-30).join('\n')
}
