import { percentile } from '../bench/measure.ts'
import type { ChaosResult } from './chaos.ts'
import type { Op } from './clients.ts'
import { wrongOfTheStore } from './verdicts.ts'

const ENDS = ['ok', 'refused', 'cut', 'hung', 'wrong'] as const

function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, i) => Math.max(...rows.map((row) => row[i]?.length ?? 0)))
  return rows
    .map((row) =>
      row
        .map((cell, i) => cell.padEnd(widths[i] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

function endsOf(ops: readonly Op[]): string {
  const kinds = [...new Set(ops.map(({ kind }) => kind))].toSorted()
  const row = (kind: string, some: readonly Op[]) => [
    kind,
    ...ENDS.map((end) => String(some.filter((op) => op.end === end).length)),
    ...[50, 99, 100].map((rank) =>
      percentile(
        some.map(({ ms }) => ms),
        rank,
      ).toFixed(0),
    ),
  ]
  return table([
    ['operation', ...ENDS, 'p50 ms', 'p99 ms', 'longest ms'],
    ...kinds.map((kind) =>
      row(
        kind,
        ops.filter((op) => op.kind === kind),
      ),
    ),
    row('all', ops),
  ])
}

function reasonsOf(ops: readonly Op[]): string {
  const counts = new Map<string, number>()
  for (const { end, why } of ops.filter((op) => op.end !== 'ok')) {
    const what = `${end}: ${why.replace(/\d+-\d+/g, 'N-N')}`
    counts.set(what, (counts.get(what) ?? 0) + 1)
  }
  return [...counts]
    .toSorted((a, b) => b[1] - a[1])
    .slice(0, 30)
    .map(([what, count]) => `  ${count} times ${what}`)
    .join('\n')
}

function storeOf({ reads, sizes, lied, chaos, calm }: ChaosResult): string {
  const all = [...reads]
  const sum = (of: (entry: (typeof all)[number]) => number) => all.reduce((total, entry) => total + of(entry), 0)
  const bytes = sum(([, read]) => read.bytes)
  const size = sum(([digest]) => sizes.get(digest) ?? 0)
  const wrong = wrongOfTheStore({ lied, chaos: [...calm, ...chaos] }).length
  return [
    `the store was read by ${sum(([, read]) => read.requests)} requests: ${bytes} bytes of ${all.length} blobs that have ${size}, ${(bytes / size).toFixed(2)} times`,
    `it gave wrong bytes of ${lied.size} blobs; ${wrong} readers got such bytes of a part, or of a body that broke off`,
  ].join('\n')
}

/** Everything that was measured, as text for people. */
export function reportOf(result: ChaosResult): string {
  const { seed, calm, chaos, steps, base, rest, errors, disks } = result
  const uses = Object.keys(rest.memory).map((id) => [
    id,
    ...[base.memory[id], rest.memory[id], base.descriptors[id], rest.descriptors[id]].map((n) =>
      (n ?? Number.NaN).toFixed(0),
    ),
  ])
  return [
    `seed ${seed}, ${steps.length} steps${disks ? '' : '; no disks were filled: this user may not mount any'}`,
    `before the chaos\n${endsOf(calm)}`,
    `during the chaos\n${endsOf(chaos)}`,
    reasonsOf(chaos),
    storeOf(result),
    table([['process', 'MiB before', 'after', 'open files before', 'after'], ...uses]),
    ['errors in the logs', ...[...errors].map(([what, count]) => `  ${count} times ${what}`)].join('\n'),
  ].join('\n\n')
}
