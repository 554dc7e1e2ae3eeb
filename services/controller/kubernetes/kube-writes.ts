import { hasCode, isAppError } from '../../../lib/base/index.ts'
import type { KubeWrites, PartOptions, WriteOptions } from './kube.ts'
import { askKube, type KubeLine, type KubeRequest } from './kube-call.ts'
import { placed } from './kube-reads.ts'
import { type KubeObject, objectOf } from './object.ts'
import { apiVersionOf, collectionPath, objectPath, type Resource } from './resource.ts'

/** An object says of what kind it is, also when its writer has left that to the path. */
const typed = (resource: Resource, object: KubeObject): KubeObject => ({
  apiVersion: apiVersionOf(resource),
  kind: resource.kind,
  ...object,
})

const dry = ({ dryRun = false }: WriteOptions) => ({ dryRun: dryRun ? 'All' : undefined })
const part = ({ subresource }: PartOptions): string => (subresource === undefined ? '' : `/${subresource}`)

export function kubeWrites(line: KubeLine): KubeWrites {
  const pathOf = (resource: Resource, ref: { readonly name: string; readonly namespace?: string | undefined }) =>
    objectPath(resource, placed(resource, ref, line.access.now.namespace))
  const ask = async (request: KubeRequest): Promise<KubeObject> => objectOf(await askKube(line, request))

  return {
    async create(resource, object, options = {}) {
      const { namespace } = placed(resource, object.metadata, line.access.now.namespace)
      const path = collectionPath(resource, namespace)
      return ask({
        ...{ method: 'POST', path, query: dry(options), json: typed(resource, object), signal: options.signal },
      })
    },

    async replace(resource, object, options = {}) {
      const path = pathOf(resource, object.metadata) + part(options)
      return ask({
        ...{ method: 'PUT', path, query: dry(options), json: typed(resource, object), signal: options.signal },
      })
    },

    async merge(resource, ref, patch, options = {}) {
      const headers = { 'content-type': 'application/merge-patch+json' }
      const path = pathOf(resource, ref) + part(options)
      return ask({ method: 'PATCH', path, headers, query: dry(options), json: patch, signal: options.signal })
    },

    async apply(resource, object, options) {
      const { manager, force = false, signal } = options
      const headers = { 'content-type': 'application/apply-patch+yaml' }
      const query = { ...dry(options), fieldManager: manager, force: force ? 'true' : undefined }
      const path = pathOf(resource, object.metadata) + part(options)
      return ask({ method: 'PATCH', path, headers, query, json: typed(resource, object), signal })
    },

    async remove(resource, ref, options = {}) {
      const { uid, resourceVersion, dependents, signal } = options
      const preconditions = {
        ...(uid !== undefined && { uid }),
        ...(resourceVersion !== undefined && { resourceVersion }),
      }
      const json = {
        ...{ apiVersion: 'v1', kind: 'DeleteOptions', preconditions },
        // With a body, the server does not look at the query.
        ...(options.dryRun === true && { dryRun: ['All'] }),
        ...(dependents !== undefined && { propagationPolicy: dependents }),
      }
      try {
        await askKube(line, { method: 'DELETE', path: pathOf(resource, ref), json, signal })
      } catch (err) {
        if (!isGone(err)) throw err
      }
    },
  }
}

/** The server knows the kind, and has no such object. */
const isGone = (err: unknown): boolean =>
  hasCode(err, 'KUBE_NOT_FOUND') && isAppError(err) && err.detail?.['reason'] === 'NotFound'
