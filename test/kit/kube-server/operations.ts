import type { Kind } from './kinds.ts'
import { type KubeStore, storeKey } from './kube-store.ts'
import { applied, updatedOwners, type Writer } from './managed-fields.ts'
import { badRequest, conflict, invalid, notFound, Refusal } from './refusal.ts'
import { copyOf, equal, type Fields, isFields, mergePatch, type Stored, withValue } from './stored.ts'

/** A write of one object. */
export interface Write {
  readonly kind: Kind
  readonly namespace: string | undefined
  readonly name: string
  readonly subresource?: 'status'
  readonly manager: string
  /** Everything is checked, and nothing changes. */
  readonly dryRun: boolean
}

const metaOf = (object: Fields): Fields => (isFields(object['metadata']) ? object['metadata'] : {})

const labelValue = /^(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/
const objectName = /^[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?$/

function assertSound(object: Fields): void {
  const { name, labels } = metaOf(object)
  if (typeof name !== 'string' || !objectName.test(name)) throw invalid('metadata.name: Invalid value')
  const isLabel = (value: unknown) => typeof value === 'string' && labelValue.test(value)
  const wrong = Object.entries(isFields(labels) ? labels : {}).find(([, value]) => !isLabel(value))
  if (wrong !== undefined) throw invalid(`metadata.labels: Invalid value of ${wrong[0]}`)
}

/** What the server does with the writes that clients send. */
export class Operations {
  readonly #store: KubeStore

  constructor(store: KubeStore) {
    this.#store = store
  }

  get(kind: Kind, namespace: string | undefined, name: string): Stored {
    const found = this.#store.find(kind, storeKey(namespace, name))
    if (found === undefined) throw notFound(kind.plural, name)
    return found
  }

  create(write: Omit<Write, 'name'>, given: Fields, namespaces: Kind): Stored {
    const { kind, namespace } = write
    const object = this.#placed(write, given)
    assertSound(object)
    const name = String(metaOf(object)['name'])
    if (metaOf(given)['resourceVersion'] !== undefined)
      throw badRequest('resourceVersion should not be set on objects to be created')
    if (namespace !== undefined && this.#store.find(namespaces, namespace) === undefined)
      throw notFound('namespaces', namespace)
    if (this.#store.find(kind, storeKey(namespace, name)) !== undefined)
      throw new Refusal(409, 'AlreadyExists', `${kind.plural} "${name}" already exists`)
    const rest = withValue(object, ['status'], undefined)
    return this.#finish({ ...write, name }, undefined, kind.hasStatus === true ? rest : object)
  }

  replace(write: Write, given: Fields): Stored {
    const before = this.get(write.kind, write.namespace, write.name)
    const object = this.#placed(write, given)
    if (metaOf(object)['name'] !== write.name) throw badRequest('the name of the object does not match the URL')
    const version = metaOf(given)['resourceVersion']
    if (version === undefined && write.kind.unconditional !== true)
      throw invalid('metadata.resourceVersion: Invalid value: 0x0: must be specified for an update')
    return this.#update(write, before, object)
  }

  merge(write: Write, patch: Fields): Stored {
    const before = this.get(write.kind, write.namespace, write.name)
    return this.#update(write, before, copyOf(mergePatch(before, patch) as Fields))
  }

  apply(write: Write, given: Fields, force: boolean, namespaces: Kind): Stored {
    const { kind, namespace, name } = write
    const before = this.#store.find(kind, storeKey(namespace, name))
    const object = this.#placed(write, given)
    if (metaOf(object)['name'] !== name) throw badRequest('the name of the object does not match the URL')
    assertSound(object)
    if (before === undefined && namespace !== undefined && this.#store.find(namespaces, namespace) === undefined)
      throw notFound('namespaces', namespace)
    if (before === undefined && write.subresource !== undefined) throw notFound(kind.plural, name)
    this.#assertVersion(write, before, object)
    const part = this.#part(write, before, object)
    const next = applied(before, part, { writer: this.#writer(write), force })
    return this.#commit(write, before, this.#part(write, before, next))
  }

  /** Undefined when it is gone; else it waits for its finalizers. */
  remove(write: Write, options: Fields): Stored | undefined {
    const before = this.get(write.kind, write.namespace, write.name)
    const { uid, resourceVersion }: Fields = isFields(options['preconditions']) ? options['preconditions'] : {}
    const { metadata } = before
    if (
      (uid ?? metadata.uid) !== metadata.uid ||
      (resourceVersion ?? metadata.resourceVersion) !== metadata.resourceVersion
    )
      throw conflict(`${write.kind.plural} "${write.name}"`)
    // As the real one: what a body has counts instead of the query.
    const { kind: hasBody, dryRun } = options
    if (hasBody === undefined ? write.dryRun : Array.isArray(dryRun) && dryRun.includes('All')) return before
    const key = storeKey(write.namespace, write.name)
    if ((metadata.finalizers ?? []).length === 0) {
      if (write.kind.plural === 'namespaces') this.#store.empty(write.name)
      return this.#store.commit(write.kind, key, undefined)
    }
    if (metadata.deletionTimestamp !== undefined) return before
    const deletionTimestamp = new Date().toISOString().replace(/\.\d+Z$/, 'Z')
    return this.#store.commit(write.kind, key, { ...before, metadata: { ...metadata, deletionTimestamp } })
  }

  #placed({ namespace }: Pick<Write, 'namespace'>, given: Fields): Fields {
    const object = copyOf(given)
    const meta = metaOf(object)
    if (namespace === undefined) return object
    if ((meta['namespace'] ?? namespace) !== namespace)
      throw badRequest('the namespace of the provided object does not match the namespace sent on the request')
    return { ...object, metadata: { ...meta, namespace } }
  }

  #writer({ manager, kind, subresource }: Write): Writer {
    const apiVersion = kind.group === '' ? kind.version : `${kind.group}/${kind.version}`
    return { manager, apiVersion, ...(subresource !== undefined && { subresource }) }
  }

  #update(write: Write, before: Stored, object: Fields): Stored {
    this.#assertVersion(write, before, object)
    assertSound(object)
    return this.#finish(write, before, this.#part(write, before, object))
  }

  #assertVersion(write: Write, before: Stored | undefined, object: Fields): void {
    const { resourceVersion: version, uid } = metaOf(object)
    const what = `${write.kind.plural} "${write.name}"`
    if (version !== undefined && version !== '' && version !== before?.metadata.resourceVersion) throw conflict(what)
    if (uid !== undefined && before !== undefined && uid !== before.metadata.uid) throw conflict(what)
  }

  /** The object with the part that this write may change, and the rest as it was. */
  #part({ kind, subresource }: Write, before: Stored | undefined, object: Fields): Fields {
    if (kind.hasStatus !== true) return object
    const { status, ...rest } = object
    if (subresource === undefined)
      return before?.['status'] === undefined ? rest : { ...rest, status: before['status'] }
    const { managedFields } = metaOf(object)
    const base: Fields = before ?? {}
    return { ...base, metadata: { ...metaOf(base), ...(managedFields !== undefined && { managedFields }) }, status }
  }

  #finish(write: Write, before: Stored | undefined, object: Fields): Stored {
    const managedFields = updatedOwners(before, object, this.#writer(write))
    return this.#commit(write, before, { ...object, metadata: { ...metaOf(object), managedFields } })
  }

  #commit(write: Write, before: Stored | undefined, next: Fields): Stored {
    const key = storeKey(write.namespace, write.name)
    const same =
      before !== undefined && equal(withoutOwners(before), withoutOwners({ ...next, ...typeOf(before) }, before))
    if (same && equal(metaOf(next)['managedFields'], before.metadata.managedFields)) return before
    if (write.dryRun)
      return { ...next, metadata: { ...metaOf(next), uid: '', resourceVersion: '' } } as unknown as Stored
    const finalizers = metaOf(next)['finalizers']
    const isOver =
      before?.metadata.deletionTimestamp !== undefined && (finalizers === undefined || equal(finalizers, []))
    if (isOver) {
      this.#store.commit(write.kind, key, undefined)
      return before
    }
    return this.#store.commit(write.kind, key, next) as Stored
  }
}

const typeOf = ({ apiVersion, kind }: Fields) => ({ apiVersion, kind })

/** Without owners, and with what only the server sets as it was. */
function withoutOwners(object: Fields, before: Stored = object as Stored): Fields {
  const meta = metaOf(withValue(object, ['metadata', 'managedFields'], undefined))
  const { uid, resourceVersion, creationTimestamp, generation } = before.metadata
  return { ...object, metadata: { ...meta, uid, resourceVersion, creationTimestamp, generation } }
}
