/** Number of edits (insert, delete or replace one character) that turn one text into the other. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (const [i, char] of Array.from(a).entries()) {
    const next = [i + 1]
    for (let j = 0; j < b.length; j += 1) {
      const replaced = (row[j] ?? 0) + (char === b[j] ? 0 : 1)
      next.push(Math.min(replaced, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}

/** A longer text is not a typing error, and comparing it would take long. */
const LONGEST = 100

/** The word of `words` that the writer of `text` probably meant: the nearest one, if it is near. Ignores case. */
export function nearest(text: string, words: readonly string[]): string | undefined {
  if (text.length > LONGEST) return undefined
  const reach = Math.ceil(text.length / 3)
  const near = words
    .map((word) => ({ word, edits: distance(text.toLowerCase(), word.toLowerCase()) }))
    .filter(({ edits }) => edits <= reach)
    .toSorted((a, b) => a.edits - b.edits)
  return near[0]?.word
}
