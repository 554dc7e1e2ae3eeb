import { readdir, readFile } from 'node:fs/promises'
import { eventually } from './eventually.ts'

/** Environment variable that marks a process; everything that it starts inherits the mark. */
export const marker = 'SHOAL_TEST_PROCESS'

/**
 * Kills every process with `mark` in its environment, and its descendants. A containerd shim leaves its process group
 * and its parent, and the container below the shim has an environment without the mark.
 */
export async function killMarked(mark: string): Promise<void> {
  await eventually(async () => {
    const pids = await marked(mark)
    for (const pid of pids) sendSignal(pid, 'SIGKILL')
    if (pids.length > 0) throw new Error(`processes ${pids.join(', ')} survive SIGKILL`)
  })
}

/** Sends a signal to a process, or to a process group when `pid` is negative; ignores a process that has exited. */
export function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // ESRCH: the process has exited.
  }
}

interface Row {
  readonly pid: number
  readonly parent: number
}

async function marked(mark: string): Promise<number[]> {
  const entries = await readdir('/proc').catch(() => [])
  const rows: Row[] = []
  const found = new Set<number>()
  for (const entry of entries.filter((name) => /^\d+$/.test(name))) {
    const row = await readRow(Number(entry))
    if (row === undefined) continue
    rows.push(row)
    const environment = await readFile(`/proc/${entry}/environ`, 'latin1').catch(() => '')
    if (environment.includes(`${marker}=${mark}`)) found.add(row.pid)
  }
  for (let before = -1; before !== found.size; ) {
    before = found.size
    for (const row of rows) if (found.has(row.parent)) found.add(row.pid)
  }
  return [...found]
}

/** Undefined for a process that has exited or is a zombie. */
async function readRow(pid: number): Promise<Row | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => '')
  const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  if (state === undefined || parent === undefined || state === 'Z' || state === 'X') return undefined
  return { pid, parent: Number(parent) }
}
