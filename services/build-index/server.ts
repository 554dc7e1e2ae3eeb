import {
  type BlobLinks,
  type BuildIndex,
  blobSizeSchema,
  buildIndexRoutes,
  descriptorSchema,
  type ManifestLinks,
  parseBody,
  type RepositoryCatalog,
  type TagIndex,
} from '../../lib/api/index.ts'
import { appError, type ErrorCode } from '../../lib/base/index.ts'
import { type Digest, parseDigest, parseRepository, parseRepositoryName, parseTag } from '../../lib/core/index.ts'
import { type Exchange, pageRequest, type Route, readJson, sendEmpty, sendJson } from '../../lib/http/index.ts'
import { MAX_PAGE } from './key-pages.ts'

/** Most bytes of a request body; a descriptor needs about 200. */
const MAX_BODY_BYTES = 16 * 1024

type Handle = Route['handle']

/** The HTTP API of the build-index. */
export function buildIndexServerRoutes(index: BuildIndex): readonly Route[] {
  return [...catalogRoutes(index), ...tagRoutes(index), ...manifestRoutes(index), ...blobRoutes(index)]
}

function catalogRoutes(index: RepositoryCatalog): readonly Route[] {
  const list: Handle = async (exchange) => {
    sendJson(exchange, 200, await index.listRepositories(pageOf(exchange, parseRepositoryName)))
  }
  return [read(buildIndexRoutes.repositories, 'names of the repositories', list)]
}

function tagRoutes(index: TagIndex): readonly Route[] {
  const target = (exchange: Exchange) => [repositoryOf(exchange), parseTag(param(exchange, 'tag'))] as const

  const list: Handle = async (exchange) => {
    const repository = repositoryOf(exchange)
    sendFound(exchange, await index.listTags(repository, pageOf(exchange, parseTag)), 'NAME_UNKNOWN')
  }
  const get: Handle = async (exchange) => {
    sendFound(exchange, await index.getTag(...target(exchange), exchange), 'MANIFEST_UNKNOWN')
  }
  const put: Handle = async (exchange) => {
    const [repository, tag] = target(exchange)
    const descriptor = parseBody(descriptorSchema, await readJson(exchange, MAX_BODY_BYTES))
    await index.putTag(repository, tag, { descriptor, signal: exchange.signal })
    sendEmpty(exchange, 204)
  }
  const remove: Handle = async (exchange) => {
    await index.deleteTag(...target(exchange), exchange)
    sendEmpty(exchange, 204)
  }

  const { tags, tag } = buildIndexRoutes
  return [
    read(tags, 'tags of a repository', list),
    read(tag, 'the descriptor that a tag points to', get),
    write('PUT', tag, 'moves a tag', put),
    write('DELETE', tag, 'removes a tag', remove),
  ]
}

function manifestRoutes(index: ManifestLinks): readonly Route[] {
  const get: Handle = async (exchange) => {
    sendFound(exchange, await index.getManifest(...linkOf(exchange), exchange), 'MANIFEST_UNKNOWN')
  }
  const put: Handle = async (exchange) => {
    const [repository, digest] = linkOf(exchange)
    const descriptor = parseBody(descriptorSchema, await readJson(exchange, MAX_BODY_BYTES))
    if (descriptor.digest !== digest) throw otherDigest(digest, descriptor.digest)
    await index.putManifest(repository, descriptor, exchange)
    sendEmpty(exchange, 204)
  }
  const remove: Handle = async (exchange) => {
    await index.deleteManifest(...linkOf(exchange), exchange)
    sendEmpty(exchange, 204)
  }

  const { manifest } = buildIndexRoutes
  return [
    read(manifest, 'the descriptor of a manifest', get),
    write('PUT', manifest, 'links a manifest', put),
    write('DELETE', manifest, 'unlinks a manifest and removes its tags', remove),
  ]
}

function blobRoutes(index: BlobLinks): readonly Route[] {
  const get: Handle = async (exchange) => {
    sendFound(exchange, await index.getBlob(...linkOf(exchange), exchange), 'BLOB_UNKNOWN')
  }
  const put: Handle = async (exchange) => {
    const [repository, digest] = linkOf(exchange)
    const { size } = parseBody(blobSizeSchema, await readJson(exchange, MAX_BODY_BYTES))
    await index.putBlob(repository, { digest, size }, exchange)
    sendEmpty(exchange, 204)
  }
  const remove: Handle = async (exchange) => {
    await index.deleteBlob(...linkOf(exchange), exchange)
    sendEmpty(exchange, 204)
  }

  const { blob } = buildIndexRoutes
  return [
    read(blob, 'size of a linked blob', get),
    write('PUT', blob, 'links a blob', put),
    write('DELETE', blob, 'unlinks a blob', remove),
  ]
}

const read = (path: string, summary: string, handle: Handle): Route => ({
  methods: ['GET'],
  path,
  right: 'read',
  summary,
  handle,
})

const write = (method: 'PUT' | 'DELETE', path: string, summary: string, handle: Handle): Route => ({
  methods: [method],
  path,
  right: 'write',
  summary,
  handle,
})

const param = ({ params }: Exchange, name: string): string => params[name] ?? ''
const repositoryOf = (exchange: Exchange) => parseRepository(param(exchange, 'repository'))
const linkOf = (exchange: Exchange) => [repositoryOf(exchange), parseDigest(param(exchange, 'digest'))] as const

function sendFound(exchange: Exchange, found: object | undefined, absent: ErrorCode): void {
  if (found === undefined) throw appError(absent)
  sendJson(exchange, 200, found)
}

/** @throws PAGINATION_NUMBER_INVALID, and what `parse` throws */
function pageOf<T>({ query, signal }: Exchange, parse: (text: string) => T) {
  const { count, last } = pageRequest(query, { max: MAX_PAGE })
  return { n: count, last: last === undefined ? undefined : parse(last), signal }
}

function otherDigest(expected: Digest, actual: Digest) {
  const message = 'the descriptor in the body is of another digest than the path'
  return appError('DIGEST_INVALID', { message, detail: { expected, actual } })
}
