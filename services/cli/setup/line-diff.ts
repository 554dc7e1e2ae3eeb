/** A stretch of lines that both texts have, or that only one of them has. */
interface Piece {
  readonly sign: ' ' | '-' | '+'
  readonly line: string
}

const CONTEXT = 3

/** The lines of a text with their line ends. */
export const linesOf = (text: string): readonly string[] => text.match(/[^\n]*\n|[^\n]+$/g) ?? []

/** How many lines at the start, and how many of the others at the end, two texts have in common. */
export function commonEnds(one: readonly string[], other: readonly string[]): { start: number; end: number } {
  const most = Math.min(one.length, other.length)
  let start = 0
  while (start < most && one[start] === other[start]) start += 1
  let end = 0
  while (end < most - start && one[one.length - 1 - end] === other[other.length - 1 - end]) end += 1
  return { start, end }
}

/** A shortest way from one list of lines to the other, by their longest common subsequence. */
function middle(one: readonly string[], other: readonly string[]): readonly Piece[] {
  const lengths = Array.from({ length: one.length + 1 }, () => new Array<number>(other.length + 1).fill(0))
  const at = (i: number, j: number) => lengths[i]?.[j] ?? 0
  for (let i = one.length - 1; i >= 0; i -= 1) {
    for (let j = other.length - 1; j >= 0; j -= 1) {
      const row = lengths[i]
      if (row !== undefined) row[j] = one[i] === other[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1))
    }
  }
  const pieces: Piece[] = []
  let [i, j] = [0, 0]
  while (i < one.length || j < other.length) {
    const [left, right] = [one[i], other[j]]
    if (left !== undefined && left === right) {
      pieces.push({ sign: ' ', line: left })
      i += 1
      j += 1
    } else if (left !== undefined && (right === undefined || at(i + 1, j) >= at(i, j + 1))) {
      pieces.push({ sign: '-', line: left })
      i += 1
    } else {
      pieces.push({ sign: '+', line: right ?? '' })
      j += 1
    }
  }
  return pieces
}

const shown = ({ sign, line }: Piece): string =>
  line.endsWith('\n') ? sign + line.slice(0, -1) : `${sign}${line}\n\\ No newline at end of file`

/** The change of a file as a unified diff in one hunk; undefined stands for a file that is not there. */
export function lineDiff(path: string, before: string | undefined, after: string | undefined): string {
  const [one, other] = [linesOf(before ?? ''), linesOf(after ?? '')]
  const { start, end } = commonEnds(one, other)
  const from = Math.max(0, start - CONTEXT)
  const kept = (lines: readonly string[]) => lines.map((line): Piece => ({ sign: ' ', line }))
  const pieces = [
    ...kept(one.slice(from, start)),
    ...middle(one.slice(start, one.length - end), other.slice(start, other.length - end)),
    ...kept(one.slice(one.length - end, one.length - end + CONTEXT)),
  ]
  const count = (sign: Piece['sign']) => pieces.filter((piece) => piece.sign !== sign).length
  const range = (lines: number) => `${lines === 0 ? from : from + 1},${lines}`
  return [
    `--- ${before === undefined ? '/dev/null' : path}`,
    `+++ ${after === undefined ? '/dev/null' : path}`,
    `@@ -${range(count('+'))} +${range(count('-'))} @@`,
    ...pieces.map(shown),
  ].join('\n')
}
