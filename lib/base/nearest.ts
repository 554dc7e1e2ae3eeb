/** Edits (one character more, less, or other) that make one text of another. */
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

/** Texts longer than this are no slips of a finger, and would take long to compare. */
const LONGEST = 100

/** The word that somebody meant who wrote `text`: the nearest of `words`, if it is near. Case does not count. */
export function nearest(text: string, words: readonly string[]): string | undefined {
  if (text.length > LONGEST) return undefined
  const reach = Math.ceil(text.length / 3)
  const near = words
    .map((word) => ({ word, edits: distance(text.toLowerCase(), word.toLowerCase()) }))
    .filter(({ edits }) => edits <= reach)
    .toSorted((a, b) => a.edits - b.edits)
  return near[0]?.word
}
