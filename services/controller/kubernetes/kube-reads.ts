import type { Readable } from 'node:stream'
import { jsonLines } from '../../../lib/api/index.ts'
import { appError } from '../../../lib/base/index.ts'
import type { KubeReads, ObjectPage, Selection, WatchEvent } from './kube.ts'
import { askKube, type KubeLine, MAX_OBJECT_BYTES, sendKube } from './kube-call.ts'
import { errorFromStatus, unreachable } from './kube-error.ts'
import { isJson, type Json, objectOf } from './object.ts'
import { collectionPath, type ObjectRef, objectPath, type Resource } from './resource.ts'

/** Most bytes of a page. */
const MAX_PAGE_BYTES = 64 * 1024 * 1024
const SECOND_MS = 1000

/** The place of an object: in the namespace of the client if it says none. */
export const placed = ({ namespaced }: Resource, ref: ObjectRef, own: string): ObjectRef =>
  namespaced ? { name: ref.name, namespace: ref.namespace ?? own } : { name: ref.name }

const selected = ({ labels, fields }: Selection) => ({ labelSelector: labels, fieldSelector: fields })

export function kubeReads(line: KubeLine): KubeReads {
  return {
    async get(resource, ref, { signal } = {}) {
      const path = objectPath(resource, placed(resource, ref, line.access.now.namespace))
      return objectOf(await askKube(line, { method: 'GET', path, signal }))
    },

    async page(resource, query, { signal } = {}) {
      const { limit, next, namespace } = query
      const path = collectionPath(resource, namespace)
      const asked = { ...selected(query), limit: String(limit), continue: next }
      return pageOf(await askKube(line, { method: 'GET', path, query: asked, signal }, MAX_PAGE_BYTES))
    },

    async watch(resource, query, { signal } = {}) {
      const { namespace, resourceVersion, timeoutMs, silenceMs } = query
      const asked = {
        ...selected(query),
        ...{ watch: 'true', allowWatchBookmarks: 'true', resourceVersion },
        timeoutSeconds: String(Math.max(1, Math.round(timeoutMs / SECOND_MS))),
      }
      const { body } = await sendKube(line, {
        ...{ method: 'GET', path: collectionPath(resource, namespace), query: asked, signal },
        // Watches hold their connections, and must not keep short calls waiting.
        ...{ lane: 'download', idleTimeoutMs: silenceMs },
      })
      return eventsIn(body)
    },
  }
}

function pageOf(value: unknown): ObjectPage {
  const meta = isJson(value) && isJson(value['metadata']) ? value['metadata'] : {}
  const { resourceVersion, continue: next } = meta
  const items = isJson(value) ? (value['items'] ?? []) : undefined
  if (!Array.isArray(items) || typeof resourceVersion !== 'string')
    throw appError('BODY_INVALID', { message: 'the server sent a malformed list' })
  return {
    objects: items.map(objectOf),
    resourceVersion,
    next: typeof next === 'string' && next !== '' ? next : undefined,
  }
}

async function* eventsIn(body: Readable): AsyncGenerator<WatchEvent> {
  try {
    for await (const line of jsonLines(body, MAX_OBJECT_BYTES)) yield eventOf(line)
  } catch (err) {
    throw unreachable(err)
  }
}

const types: Readonly<Record<string, 'put' | 'removed'>> = { ADDED: 'put', MODIFIED: 'put', DELETED: 'removed' }

function eventOf(line: unknown): WatchEvent {
  const { type, object }: Json = isJson(line) ? line : {}
  if (type === 'ERROR') throw errorFromStatus(0, object)
  if (type === 'BOOKMARK') return { type: 'bookmark', resourceVersion: versionOf(object) }
  const told = typeof type === 'string' && Object.hasOwn(types, type) ? types[type] : undefined
  if (told === undefined) throw appError('BODY_INVALID', { message: 'the server sent an unknown event of a watch' })
  return { type: told, object: objectOf(object), resourceVersion: versionOf(object) }
}

function versionOf(object: unknown): string {
  const meta = isJson(object) && isJson(object['metadata']) ? object['metadata'] : {}
  const { resourceVersion } = meta
  if (typeof resourceVersion === 'string' && resourceVersion !== '') return resourceVersion
  throw appError('BODY_INVALID', { message: 'the server sent an event without a version' })
}
