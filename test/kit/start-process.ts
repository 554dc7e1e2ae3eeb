import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { onAbort } from '../../lib/base/index.ts'
import { describeExit, type Exit, exitOf, killGroup } from './child-process.ts'
import { eventually } from './eventually.ts'
import { killMarked, marker } from './process-tree.ts'
import { CommandFailed, type Environment } from './run.ts'

export interface StartOptions<T> {
  readonly command: string
  readonly args: readonly string[]
  /** The whole environment, not additions; default: that of this process. */
  readonly env?: Environment
  readonly cwd?: string
  /** Throws until the process is ready; called repeatedly with the output so far. */
  ready(output: Output, signal: AbortSignal): T | Promise<T>
  /** Milliseconds until `ready` must have succeeded. */
  readyTimeoutMs?: number
  /** Milliseconds between SIGTERM and SIGKILL at disposal. */
  graceMs?: number
  readonly signal?: AbortSignal | undefined
}

export interface Output {
  readonly stdout: string
  readonly stderr: string
}

/** A running program; its disposal also ends every process that it started. */
export interface StartedProcess<T> extends AsyncDisposable {
  readonly pid: number
  /** What `ready` returned. */
  readonly ready: T
  output(): Output
  kill(signal: NodeJS.Signals): void
  /** Resolves when the program has exited, for any reason. */
  readonly exited: Promise<Exit>
}

/**
 * Starts a program and waits until it is ready.
 *
 * @throws CommandFailed when the program exits first or is not ready in time; then none of its processes is left.
 */
export async function startProcess<T>(options: StartOptions<T>): Promise<StartedProcess<T>> {
  const mark = randomUUID()
  const what = [options.command, ...options.args].join(' ')
  options.signal?.throwIfAborted()
  const [command, ...args] = [...leash(), options.command, ...options.args]
  const child = spawn(command ?? options.command, args, {
    cwd: options.cwd,
    env: { ...(options.env ?? process.env), [marker]: mark },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
  const output = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (output.stdout += chunk))
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (output.stderr += chunk))
  const exit = exitOf(child)
  const decided = new AbortController()
  const giveUp = () => decided.abort(options.signal?.reason)
  const takeBack = onAbort(options.signal, giveUp)
  const stop = async () => {
    giveUp()
    await terminate(child, exit, options.graceMs ?? 15_000)
    await killMarked(mark)
  }
  try {
    const ready = await Promise.race([
      eventually((cut) => options.ready(output, cut), {
        timeoutMs: options.readyTimeoutMs ?? 30_000,
        signal: decided.signal,
      }),
      exit.then((end) => Promise.reject(new Error(describeExit(end), { cause: end.error }))),
    ])
    return {
      pid: child.pid ?? 0,
      ready,
      output: () => ({ ...output }),
      kill: (signal) => killGroup(child, signal),
      exited: exit,
      [Symbol.asyncDispose]: stop,
    }
  } catch (cause) {
    await stop()
    const reason = cause instanceof Object && 'message' in cause ? String(cause.message) : ''
    throw new CommandFailed(`${what} did not become ready: ${reason}`, { ...output, cause })
  } finally {
    takeBack()
  }
}

async function terminate(child: ChildProcess, exit: Promise<Exit>, graceMs: number): Promise<void> {
  killGroup(child, 'SIGTERM')
  const late = setTimeout(() => killGroup(child, 'SIGKILL'), graceMs)
  await exit
  clearTimeout(late)
}

/** On Linux the kernel ends the program when this process dies without disposing of it. */
function leash(): string[] {
  const setpriv = '/usr/bin/setpriv'
  return existsSync(setpriv) ? [setpriv, '--pdeathsig', 'TERM', '--'] : []
}
