import type { ChildProcess } from 'node:child_process'
import { sendSignal } from './process-tree.ts'

/** How a process ended: its exit code, the signal that ended it, or why it never started. */
export interface Exit {
  readonly code?: number | undefined
  readonly signal?: NodeJS.Signals | undefined
  readonly error?: unknown
}

export function exitOf(child: ChildProcess): Promise<Exit> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve({ error }))
    child.once('exit', (code, signal) => resolve({ code: code ?? undefined, signal: signal ?? undefined }))
  })
}

export function describeExit(exit: Exit): string {
  if (exit.error !== undefined) return 'could not be started'
  return exit.signal === undefined ? `exited with ${exit.code}` : `was ended by ${exit.signal}`
}

/** Signals the process group of a detached child; the rest of the group may outlive the child. */
export function killGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid !== undefined) sendSignal(-child.pid, signal)
}
