import type { TracedPull } from '../../../lib/api/index.ts'

/**
 * Of the pulls of a repository those that belong to an image: the look-ups of its tag or digest, its manifests (of an
 * index, those below it that were pulled), and what these name. The newest look-up says what the tag stands for.
 */
export function pullsOfImage(pulls: readonly TracedPull[], reference: string): readonly TracedPull[] {
  const roots = pulls.filter((pull) => pull.reference === reference)
  const known = new Set<string>()
  const [newest] = roots.filter(({ digest }) => digest !== undefined)
  const waiting = newest?.digest === undefined ? [reference] : [newest.digest as string]
  for (let digest = waiting.pop(); digest !== undefined; digest = waiting.pop()) {
    if (known.has(digest)) continue
    known.add(digest)
    for (const pull of pulls) if (pull.digest === digest) waiting.push(...pull.names.map((named) => named.digest))
  }
  return pulls.filter(
    ({ reference: asked, digest }) =>
      asked === reference || known.has(asked) || (digest !== undefined && known.has(digest)),
  )
}
