import type { HonestOp } from './honest-load.ts'
import type { MixedAttack } from './mixed-attack.ts'
import type { PerProcess } from './process-uses.ts'
import { kindTimes } from './verdicts.ts'

type Row = readonly (string | number)[]

function table(rows: readonly Row[]): readonly string[] {
  const lines = rows.map((row) => row.map((cell) => (typeof cell === 'number' ? cell.toFixed(0) : cell)))
  const widths = (lines[0] ?? []).map((_, i) => Math.max(...lines.map((line) => line[i]?.length ?? 0)))
  return lines.map((line) =>
    line
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join('  ')
      .trimEnd(),
  )
}

const counted = (texts: readonly string[]): string =>
  [...new Set(texts)].map((text) => `${text} (${texts.filter((other) => other === text).length})`).join('; ')

function endsOf(phase: string, ops: readonly HonestOp[]): Row {
  const failed = ops.filter(({ outcome }) => outcome !== 'ok').map(({ outcome }) => outcome)
  const repeated = ops.flatMap((op) => op.repeated)
  return [phase, ops.length - failed.length, failed.length, counted(failed), counted(repeated)]
}

/** Everything that was measured, as text for people. */
export function reportOf(result: MixedAttack): string {
  const { seed, calm, attacked, tallies, memory, processor, crashes, errors } = result
  const share = (of: PerProcess, id: string) => (of[id] ?? 0).toFixed(2)
  const times = kindTimes(result).map(
    ({ kind, calm: before, attacked: then, ratio }): Row => [
      ...[kind, before.count, before.p50, before.p99, then.count, then.p50, then.p99],
      ratio.toFixed(1),
    ],
  )
  const sections: readonly (readonly string[])[] = [
    [`seed ${seed}`],
    table([
      ['honest operations', 'ok', 'failed', 'with', 'tried again after'],
      endsOf('calm', calm),
      endsOf('attacked', attacked),
    ]),
    table([['milliseconds', 'calm', 'p50', 'p99', 'attacked', 'p50', 'p99', 'ratio'], ...times]),
    table([
      ['resident MiB', 'base', 'peak', 'after rest', 'processor, calm', 'attacked'],
      ...Object.entries(memory.base).map(
        ([id, base]): Row => [
          ...[id, base, memory.peak[id] ?? 0, memory.rest[id] ?? 0],
          ...[share(processor.calm, id), share(processor.attacked, id)],
        ],
      ),
    ]),
    table([
      ['attacker', 'acts', 'answered', 'cut', 'refused'],
      ...Object.entries(tallies).map(
        ([name, { acts, answered, cut, refused }]): Row => [
          ...[name, acts, answered, cut],
          Object.entries(refused)
            .map(([status, count]) => `${status}: ${count}`)
            .join(' '),
        ],
      ),
    ]),
    [`crashes: ${crashes.size}`, ...[...crashes].map(([id, how]) => `${id} ${how}`)],
    ['errors in logs:', ...[...errors].map(([what, count]) => `  ${count} x ${what}`)],
  ]
  return sections.map((lines) => `${lines.join('\n')}\n`).join('\n')
}
