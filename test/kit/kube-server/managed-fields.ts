import { Refusal } from './refusal.ts'
import {
  equal,
  type Fields,
  type FieldTree,
  isFields,
  leavesOf,
  type ManagedFields,
  type Path,
  type Stored,
  valueAt,
  withValue,
} from './stored.ts'

/** Who writes, and which part of the object. */
export interface Writer {
  readonly manager: string
  readonly apiVersion: string
  readonly subresource?: 'status'
}

/** Fields that name the object and that nobody owns. */
const unowned = new Set(
  [
    ['apiVersion'],
    ['kind'],
    ...['name', 'namespace', 'uid', 'resourceVersion', 'creationTimestamp', 'generation'].map((f) => ['metadata', f]),
  ].map((path) => path.join('\n')),
)

const keyOf = (path: Path) => path.join('\n')
const pathOf = (key: string): Path => key.split('\n')

/** The leaves that whoever gives this object owns. */
const owned = (object: unknown): ReadonlySet<string> =>
  new Set(
    leavesOf(object)
      .map(keyOf)
      .filter((key) => !unowned.has(key) && !key.startsWith('metadata\nmanagedFields')),
  )

const treeOf = (keys: ReadonlySet<string>): FieldTree =>
  [...keys].reduce<Fields>(
    (tree, key) =>
      withValue(
        tree,
        pathOf(key).map((step) => `f:${step}`),
        {},
      ),
    {},
  ) as FieldTree

const keysOf = (tree: FieldTree): ReadonlySet<string> =>
  new Set(leavesOf(tree).map((path) => keyOf(path.map((step) => step.slice(2)))))

const isOf = (entry: ManagedFields, writer: Writer, operation: ManagedFields['operation']) =>
  entry.manager === writer.manager && entry.operation === operation && entry.subresource === writer.subresource

const overlap = (a: string, b: string) => a === b || a.startsWith(`${b}\n`) || b.startsWith(`${a}\n`)

function entryOf(writer: Writer, operation: ManagedFields['operation'], keys: ReadonlySet<string>): ManagedFields[] {
  return keys.size === 0 ? [] : [{ ...writer, operation, fieldsType: 'FieldsV1', fieldsV1: treeOf(keys) }]
}

/** The other entries without these fields. */
const without = (entries: readonly ManagedFields[], lost: (key: string) => boolean): ManagedFields[] =>
  entries.flatMap((entry) => {
    const kept = new Set([...keysOf(entry.fieldsV1)].filter((key) => !lost(key)))
    return kept.size === 0 ? [] : [{ ...entry, fieldsV1: treeOf(kept) }]
  })

/** After a PUT or a patch: the fields that it has changed belong to its writer alone. */
export function updatedOwners(before: Stored | undefined, after: Fields, writer: Writer): readonly ManagedFields[] {
  const entries = before?.metadata.managedFields ?? []
  const changed = new Set(
    [...owned(after)].filter((key) => !equal(valueAt(before, pathOf(key)), valueAt(after, pathOf(key)))),
  )
  const gone = (key: string) => valueAt(after, pathOf(key)) === undefined
  const own = entries.find((entry) => isOf(entry, writer, 'Update'))
  const others = without(
    entries.filter((entry) => entry !== own),
    (key) => gone(key) || [...changed].some((one) => overlap(one, key)),
  )
  const kept = own === undefined ? [] : [...keysOf(own.fieldsV1)].filter((key) => !gone(key))
  return [...others, ...entryOf(writer, 'Update', new Set([...kept, ...changed]))]
}

/** An object as server-side apply leaves it, with its owners. @throws 409 with each field that is another's */
export function applied(
  before: Stored | undefined,
  given: Fields,
  { writer, force }: { readonly writer: Writer; readonly force: boolean },
): Fields {
  const entries = before?.metadata.managedFields ?? []
  const own = entries.find((entry) => isOf(entry, writer, 'Apply'))
  const others = entries.filter((entry) => entry !== own)
  const wanted = owned(given)
  const differs = (key: string) => !equal(valueAt(before, pathOf(key)), valueAt(given, pathOf(key)))
  const disputed = others.flatMap(({ manager, fieldsV1 }) =>
    [...keysOf(fieldsV1)]
      .filter((key) => [...wanted].some((one) => overlap(one, key) && differs(one)))
      .map((key) => ({ manager, key })),
  )
  if (disputed.length > 0 && !force) throw fieldConflict(disputed)
  const lost = new Set(disputed.map(({ key }) => key))
  const left = without(others, (key) => lost.has(key))
  const shared = new Set(left.flatMap(({ fieldsV1 }) => [...keysOf(fieldsV1)]))
  const dropped =
    own === undefined ? [] : [...keysOf(own.fieldsV1)].filter((key) => !wanted.has(key) && !shared.has(key))
  const start: Fields = before ?? {}
  const cleared = dropped.reduce<Fields>((object, key) => withValue(object, pathOf(key), undefined), start)
  const merged = leavesOf(given).reduce<Fields>(
    (object, path) => withValue(object, path, valueAt(given, path)),
    cleared,
  )
  const meta = isFields(merged['metadata']) ? merged['metadata'] : {}
  return { ...merged, metadata: { ...meta, managedFields: [...left, ...entryOf(writer, 'Apply', wanted)] } }
}

function fieldConflict(disputed: readonly { readonly manager: string; readonly key: string }[]): Refusal {
  const causes = disputed.map(({ manager, key }) => ({
    reason: 'FieldManagerConflict',
    message: `conflict with "${manager}"`,
    field: `.${pathOf(key).join('.')}`,
  }))
  const words = causes.map(({ message, field }) => `${message}: ${field}`).join('; ')
  return new Refusal(409, 'Conflict', `Apply failed with ${causes.length} conflicts: ${words}`, { causes })
}
