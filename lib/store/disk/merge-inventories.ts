import type { FoundBlob, FoundPartial, Inventory } from '../medium.ts'

export interface MergedInventories {
  readonly merged: Inventory
  /** Items that another volume has too and that this one loses; this happens when a missing disk comes back. */
  readonly doubles: { readonly blobs: readonly FoundBlob[]; readonly partials: readonly FoundPartial[] }
}

/** Keeps one item per digest: the one that `isBetter`, else the first. */
function pick<T extends { readonly digest: string }>(found: readonly T[], isBetter: (a: T, b: T) => boolean) {
  const kept = new Map<string, T>()
  const doubles: T[] = []
  for (const one of found) {
    const before = kept.get(one.digest)
    if (before === undefined || isBetter(one, before)) kept.set(one.digest, one)
    if (before !== undefined) doubles.push(kept.get(one.digest) === one ? before : one)
  }
  return { kept: [...kept.values()], doubles }
}

/** Merges what all volumes hold: of two copies of a blob the pinned one is kept, of two partials the larger one. */
export function mergeInventories(inventories: readonly Inventory[]): MergedInventories {
  const blobs = pick(
    inventories.flatMap((inventory) => inventory.blobs),
    (a, b) => a.pinned && !b.pinned,
  )
  const partials = pick(
    inventories.flatMap((inventory) => inventory.partials),
    (a, b) => a.bytes > b.bytes,
  )
  const uploads = inventories.flatMap((inventory) => inventory.uploads)
  return {
    merged: { blobs: blobs.kept, partials: partials.kept, uploads },
    doubles: { blobs: blobs.doubles, partials: partials.doubles },
  }
}
