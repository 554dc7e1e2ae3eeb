import type { GarbageCounts } from '../../../lib/api/index.ts'
import type { Metrics } from '../../../lib/telemetry/index.ts'

/** What of the counts is a metric: the kind of the thing, and what became of it. */
const kinds: Partial<Record<keyof GarbageCounts, readonly ['link' | 'blob', string]>> = {
  linksCondemned: ['link', 'condemned'],
  linksRemoved: ['link', 'removed'],
  blobsCondemned: ['blob', 'condemned'],
  blobsPardoned: ['blob', 'pardoned'],
  blobsRemoved: ['blob', 'removed'],
}

/** Counts what looks for garbage change. Dry runs change nothing. */
export function garbageMetrics(metrics: Metrics): (name: keyof GarbageCounts, more: number) => void {
  const objects = metrics.counter(
    { name: 'shoal_garbage_objects_total', help: 'Links and blobs that nobody needs, by what was done with them.' },
    ['kind', 'outcome'],
  )
  const bytes = metrics
    .counter({ name: 'shoal_garbage_bytes_total', help: 'Bytes of blobs that were removed from the backends.' })
    .with({})
  return (name, more) => {
    const [kind, outcome] = kinds[name] ?? []
    if (kind !== undefined && outcome !== undefined) objects.with({ kind, outcome }).add(more)
    if (name === 'bytesRemoved') bytes.add(more)
  }
}
