import { signal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { get } from './api.ts'
import type { Cluster } from './shapes.ts'

const names = signal<ReadonlyMap<string, string>>(new Map())
let asked = false

async function read(): Promise<void> {
  const { clusters } = await get<{ readonly clusters: readonly Cluster[] }>('/api/v1/clusters', { n: 1000 })
  names.value = new Map(clusters.map(({ id, name }) => [id, name]))
}

/** The name of a cluster by its id; its id as long as nobody knows. They are asked for once, when one is shown. */
export function useClusterName(id: string | undefined): string | undefined {
  useEffect(() => {
    if (id === undefined || asked) return
    asked = true
    void read().catch(() => {
      asked = false
    })
  }, [id])
  return id === undefined ? undefined : (names.value.get(id) ?? id)
}
