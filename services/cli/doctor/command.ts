import { spawn } from 'node:child_process'
import { type Clock, codeOf, deadline } from '../../../lib/base/index.ts'

/** Characters of its output that are kept. */
const MAX_OUTPUT = 16 * 1024 * 1024

export interface CommandResult {
  /** Undefined: there is no such program here, or it was cut off. */
  readonly exitCode: number | undefined
  readonly stdout: string
  /** The last line that it complained with, or why it did not run. */
  readonly complaint: string
}

/** Runs the programs of container engines. */
export type RunCommand = (
  words: readonly [program: string, ...args: string[]],
  options?: { readonly timeoutMs?: number },
) => Promise<CommandResult>

const USUAL_MS = 20_000

const lastLine = (text: string) => text.trim().split('\n').at(-1) ?? ''

/** Never throws: a program that is missing, fails or hangs is an answer too. */
export const commandRunner =
  (clock: Clock, env: Readonly<Record<string, string | undefined>>): RunCommand =>
  ([program, ...args], { timeoutMs = USUAL_MS } = {}) => {
    const limit = deadline(clock, timeoutMs)
    const running = new Promise<CommandResult>((resolve) => {
      const child = spawn(program, args, {
        ...{ env, signal: limit.signal, killSignal: 'SIGKILL' },
        stdio: ['ignore', 'pipe', 'pipe'],
      })
      const out = { stdout: '', stderr: '' }
      const gather = (name: keyof typeof out) => (chunk: Buffer) => {
        if (out[name].length < MAX_OUTPUT) out[name] += chunk.toString()
      }
      child.stdout.on('data', gather('stdout'))
      child.stderr.on('data', gather('stderr'))
      child.on('error', (err) => {
        const why = limit.expired ? `it did not end within ${timeoutMs / 1000} s` : (codeOf(err) ?? 'it does not start')
        resolve({ exitCode: undefined, stdout: out.stdout, complaint: `${program}: ${why}` })
      })
      child.on('close', (code) =>
        resolve({ exitCode: code ?? undefined, stdout: out.stdout, complaint: lastLine(out.stderr) }),
      )
    })
    return running.finally(() => limit.release())
  }
