/**
 * The samples of a counter in several Prometheus texts, summed up by the value of one label. Undefined when none of the
 * processes has the counter.
 */
export function metricSums(
  texts: readonly string[],
  name: string,
  label: string,
): ReadonlyMap<string, number> | undefined {
  if (!texts.some((text) => text.includes(`# TYPE ${name} `))) return undefined
  const sums = new Map<string, number>()
  const value = new RegExp(`[{,]${label}="([^"]*)"`)
  for (const line of texts.flatMap((text) => text.split('\n'))) {
    if (!line.startsWith(`${name}{`)) continue
    const key = value.exec(line)?.[1] ?? ''
    sums.set(key, (sums.get(key) ?? 0) + Number(line.slice(line.lastIndexOf(' ') + 1)))
  }
  return sums
}

/** What was added to each value between two readings. */
export function grownBy(
  before: ReadonlyMap<string, number> | undefined,
  after: ReadonlyMap<string, number> | undefined,
): Readonly<Record<string, number>> | undefined {
  if (after === undefined) return undefined
  return Object.fromEntries([...after].map(([key, value]) => [key, value - (before?.get(key) ?? 0)]))
}
