import { type SteeredHost, steeringRules } from '../../../lib/api/index.ts'
import { documentOf, layerId, type WantedSlot } from './document.ts'
import { scopeText } from './scope.ts'

export interface KeySource {
  readonly key: string
  readonly value: unknown
  readonly scope: string
  readonly version: number
}

/** For each key what a host is to have, and where it comes from; in the order of the keys. */
export function effectiveKeys(cluster: string, slots: readonly WantedSlot[], host: SteeredHost): readonly KeySource[] {
  const document = documentOf(cluster, slots, '-')
  if (document === undefined) return []
  const versions = new Map(
    slots.flatMap(({ scope, wanted, coming }) =>
      [wanted, coming].flatMap((each) => (each === undefined ? [] : [[layerId(each.version), { ...each, scope }]])),
    ) as [string, { version: number; values: object; scope: WantedSlot['scope'] }][],
  )
  const found = new Map<string, KeySource>()
  for (const id of steeringRules(document).of(host).layers) {
    const layer = versions.get(id.split('.')[0] ?? '')
    if (layer === undefined) continue
    const { version, scope } = layer
    for (const [key, value] of Object.entries(layer.values))
      found.set(key, { key, value, scope: scopeText(scope), version })
  }
  return [...found.values()].toSorted((a, b) => (a.key < b.key ? -1 : 1))
}
