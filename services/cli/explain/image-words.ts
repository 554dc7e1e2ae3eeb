import type { TracedPull } from '../../../lib/api/index.ts'
import { sizeText } from '../admin/sheet.ts'
import { explainText, pullTable, timeText, waitText } from './words.ts'

/** Waits of all pulls together that are worth a line. */
const MAX_WAITS = 5

type Wait = TracedPull['waits'][number]

/** The waits of several pulls as one list, the longest first; pulls at the same time count each. */
function together(pulls: readonly TracedPull[]): readonly Wait[] {
  const sums = new Map<string, Wait>()
  for (const wait of pulls.flatMap(({ waits }) => waits)) {
    const key = `${wait.cause} ${wait.from?.id ?? ''}`
    const before = sums.get(key)
    sums.set(key, before === undefined ? wait : { ...before, ms: before.ms + wait.ms })
  }
  return [...sums.values()].sort((a, b) => b.ms - a.ms)
}

/** What the digest is in this image. */
function partOf(pulls: readonly TracedPull[], { kind, digest }: TracedPull): string {
  if (kind === 'lookup' || kind === 'manifest') return kind
  const named = pulls.flatMap(({ names }) => names)
  return named.find((each) => each.digest === digest)?.as ?? kind
}

/** Why the pull of an image took as long as it did: all its requests, and the slowest of them in full. */
export function imageText(image: string, pulls: readonly TracedPull[], nowMs: number): string {
  const oldestFirst = pulls.toReversed()
  const began = Math.min(...pulls.map(({ startedAtMs }) => startedAtMs))
  const ended = Math.max(...pulls.map(({ startedAtMs, totalMs }) => startedAtMs + totalMs))
  const bytes = pulls.reduce((sum, { size = 0, kind }) => sum + (kind === 'lookup' ? 0 : size), 0)
  const allMs = pulls.reduce((sum, { totalMs }) => sum + totalMs, 0)
  const waits = together(pulls).slice(0, MAX_WAITS)
  const [slowest] = pulls.toSorted((a, b) => b.totalMs - a.totalMs)
  const rows = oldestFirst.map((pull) => ({ ...pull, kind: partOf(pulls, pull) }))
  return [
    `${image}: ${pulls.length} requests in ${timeText(ended - began)}, ${sizeText(bytes)}`,
    '',
    pullTable(rows, nowMs),
    '',
    `All of them together spent ${timeText(allMs)}:`,
    ...waits.map(
      ({ ms, ...wait }) =>
        `  ${Math.round((100 * ms) / Math.max(1, allMs))} % (${timeText(ms)}) waiting for ${waitText(wait)}`,
    ),
    '',
    'The slowest:',
    ...(slowest === undefined ? [] : [explainText(slowest)]),
  ].join('\n')
}
