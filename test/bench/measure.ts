import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { run } from '../kit/run.ts'

/** One bench's figures, as `docs/benchmarks.md` is made from them. */
export interface BenchResult {
  readonly name: string
  /** What is measured against what, sizes, counts, cold or warm, what was on the path. */
  readonly conditions: readonly string[]
  readonly columns: readonly string[]
  readonly rows: readonly (readonly (string | number)[])[]
}

export function median(values: readonly number[]): number {
  return percentile(values, 50)
}

/** Nearest rank. */
export function percentile(values: readonly number[], rank: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil((rank / 100) * sorted.length) - 1)] ?? Number.NaN
}

export interface ProcessUse {
  readonly cpuSeconds: number
  /** Largest resident size so far. */
  readonly peakRssMiB: number
}

const TICKS_PER_SECOND = 100

/** What the operating system says a process has used since its start. */
export async function useOf(pid: number): Promise<ProcessUse> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return {
    cpuSeconds: (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND,
    peakRssMiB: Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024,
  }
}

export interface CurlTimes {
  readonly firstByteMs: number
  readonly totalMs: number
}

/** Fetches each URL with one curl, in turn, and gives its own times. @throws when an answer is not 200 or short */
export async function curl(urls: readonly string[], expectBytes?: number): Promise<CurlTimes[]> {
  const format = '%{http_code} %{time_starttransfer} %{time_total} %{size_download}\n'
  const targets = urls.flatMap((url) => ['-o', '/dev/null', url])
  const { stdout } = await run('curl', ['-sS', '-w', format, ...targets])
  return stdout
    .trim()
    .split('\n')
    .map((line) => {
      const [status = 0, first = 0, total = 0, size = 0] = line.split(' ').map(Number)
      if (status !== 200 || (expectBytes !== undefined && size !== expectBytes)) {
        throw new Error(`curl got status ${status} and ${size} bytes`)
      }
      return { firstByteMs: first * 1000, totalMs: total * 1000 }
    })
}

/** Prints the table and writes the JSON. */
export async function publish(result: BenchResult): Promise<void> {
  const folder = join(import.meta.dirname, 'results')
  await mkdir(folder, { recursive: true })
  const machine = { cpus: `${cpus().length} x ${cpus()[0]?.model ?? 'unknown'}`, node: process.version }
  const date = new Date().toISOString().slice(0, 10)
  await writeFile(join(folder, `${result.name}.json`), `${JSON.stringify({ ...result, date, machine }, null, 2)}\n`)
  const lines = [result.columns, ...result.rows].map((row) => row.map(String))
  const widths = result.columns.map((_, i) => Math.max(...lines.map((line) => line[i]?.length ?? 0)))
  for (const line of lines) process.stdout.write(`${line.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join('  ')}\n`)
}
