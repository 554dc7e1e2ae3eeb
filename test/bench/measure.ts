import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { run } from '../kit/run.ts'
import { withVerdicts } from './verdict.ts'

/** The results of one bench, from which `docs/benchmarks.md` is made. */
export interface BenchResult {
  readonly name: string
  /** What is compared, sizes, counts, cold or warm caches, and what was on the path. */
  readonly conditions: readonly string[]
  readonly columns: readonly string[]
  readonly rows: readonly (readonly (string | number)[])[]
  /** What the rows were computed from; kept in the JSON only. */
  readonly raw?: unknown
}

export function median(values: readonly number[]): number {
  return percentile(values, 50)
}

/** A percentile by the nearest-rank method. */
export function percentile(values: readonly number[], rank: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil((rank / 100) * sorted.length) - 1)] ?? Number.NaN
}

export interface ProcessUse {
  readonly cpuSeconds: number
  /** Resident memory now. */
  readonly rssMiB: number
  /** Largest resident memory so far. */
  readonly peakRssMiB: number
}

const TICKS_PER_SECOND = 100

/** Processor time and memory of a process since its start, as the operating system reports them. */
export async function useOf(pid: number): Promise<ProcessUse> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  const mebibytes = (field: string) => Number(new RegExp(`${field}:\\s+(\\d+)`).exec(status)?.[1] ?? 0) / 1024
  return {
    cpuSeconds: (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND,
    rssMiB: mebibytes('VmRSS'),
    peakRssMiB: mebibytes('VmHWM'),
  }
}

export interface CurlTimes {
  readonly firstByteMs: number
  readonly totalMs: number
}

/** What curl is told to print after each transfer. */
export const curlFormat = '%{http_code} %{time_starttransfer} %{time_total} %{size_download}\n'

/** Reads what curl printed in `curlFormat`. @throws on a status other than 200 or a short body */
export function curlTimes(stdout: string, expectBytes?: number): CurlTimes[] {
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

export interface CurlOptions {
  readonly signal?: AbortSignal
  /** Further flags of curl. */
  readonly flags?: readonly string[]
  readonly timeoutMs?: number
}

/**
 * Fetches the URLs one after another with one curl; returns curl's own times. @throws on a status other than 200 or a
 * short body
 */
export async function curl(
  urls: readonly string[],
  expectBytes?: number,
  { signal, flags = [], timeoutMs = 600_000 }: CurlOptions = {},
): Promise<CurlTimes[]> {
  const targets = urls.flatMap((url) => ['-o', '/dev/null', url])
  const { stdout } = await run('curl', ['-sS', ...flags, '-w', curlFormat, ...targets], { timeoutMs, signal })
  return curlTimes(stdout, expectBytes)
}

/** Prints the table, with what each row has reached, and writes the JSON. */
export async function publish(result: BenchResult): Promise<void> {
  const folder = join(import.meta.dirname, 'results')
  await mkdir(folder, { recursive: true })
  const machine = { cpus: `${cpus().length} x ${cpus()[0]?.model ?? 'unknown'}`, node: process.version }
  const date = new Date().toISOString().slice(0, 10)
  await writeFile(join(folder, `${result.name}.json`), `${JSON.stringify({ ...result, date, machine }, null, 2)}\n`)
  const { columns, rows } = withVerdicts(result)
  const lines = [columns, ...rows].map((row) => row.map(String))
  const widths = columns.map((_, i) => Math.max(...lines.map((line) => line[i]?.length ?? 0)))
  for (const line of lines) process.stdout.write(`${line.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join('  ')}\n`)
}
