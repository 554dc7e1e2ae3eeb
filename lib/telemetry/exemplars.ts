/** What one observation adds to a histogram in the form of OpenMetrics: the trace in which it was made. */
interface Exemplar {
  readonly traceId: string
  readonly value: number
  /** Seconds since the epoch. */
  readonly at: number
}

export interface ObservedIn {
  /** Of the histogram. */
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  /** Upper bounds of its buckets, ascending, without the last one, which is infinite. */
  readonly buckets: readonly number[]
}

/** The last exemplar of each bucket. */
export interface Exemplars {
  note(histogram: ObservedIn, value: number, traceId: string): void
  /** The same metrics in the form of OpenMetrics 1.0, with the exemplars; `text` is in the text format of Prometheus. */
  added(text: string): string
}

export const OPENMETRICS = 'application/openmetrics-text; version=1.0.0; charset=utf-8'

const escaped = (value: string) => value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"')
const bound = (bucket: number | undefined) => (bucket === undefined ? '+Inf' : String(bucket))

/** One key for labels in any order; values as they are written in the text. */
const keyOf = (name: string, labels: Readonly<Record<string, string>>) =>
  `${name} ${JSON.stringify(Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1)))}`

const labelsIn = (text: string) =>
  Object.fromEntries([...text.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, name = '', value = '']) => [name, value]))

/** `now`: milliseconds since the epoch. */
export function exemplars(now: () => number): Exemplars {
  const last = new Map<string, Exemplar>()

  const lineOf = (line: string): string => {
    const [, family = '', labels = ''] = /^(\w+)_bucket\{(.*)\} \S+$/.exec(line) ?? []
    const found = family === '' ? undefined : last.get(keyOf(family, labelsIn(labels)))
    if (found === undefined) return line
    return `${line} # {trace_id="${found.traceId}"} ${found.value} ${found.at}`
  }

  return {
    note({ name, labels, buckets }, value, traceId) {
      const le = bound(buckets.find((bucket) => value <= bucket))
      const texts = Object.fromEntries(Object.entries(labels).map(([label, text]) => [label, escaped(text)]))
      last.set(keyOf(name, { ...texts, le }), { traceId, value, at: now() / 1000 })
    },
    added(text) {
      const lines = text.split('\n').filter((line) => line !== '')
      // A counter has the name without its ending there, and its sample has it with that.
      const counters = new Set(lines.flatMap((line) => /^# TYPE (\w+_total) counter$/.exec(line)?.[1] ?? []))
      const named = lines.map((line) => {
        const [, about = '', name = '', rest = ''] = /^# (HELP|TYPE) (\w+) (.*)$/.exec(line) ?? []
        if (about === '') return lineOf(line)
        return counters.has(name) ? `# ${about} ${name.slice(0, -'_total'.length)} ${rest}` : line
      })
      return `${named.join('\n')}\n# EOF\n`
    },
  }
}
