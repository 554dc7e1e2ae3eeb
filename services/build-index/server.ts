import {
  type BlobLinks,
  type BuildIndex,
  blobSizeSchema,
  buildIndexRoutes,
  descriptorSchema,
  type LinkedManifest,
  type LinkOptions,
  MAX_REFERRER_BYTES,
  type ManifestLinks,
  parseBody,
  type ReferrerIndex,
  type RepositoryCatalog,
  referrerRoutes,
  referrerSchema,
  type TagIndex,
} from '../../lib/api/index.ts'
import { appError, type ErrorCode } from '../../lib/base/index.ts'
import {
  type Descriptor,
  type Digest,
  parseDigest,
  parseRepository,
  parseRepositoryName,
  parseTag,
} from '../../lib/core/index.ts'
import {
  type Exchange,
  type LookBudget,
  pageRequest,
  type Route,
  readJson,
  sendEmpty,
  sendJson,
} from '../../lib/http/index.ts'
import { may } from '../../lib/identity/index.ts'
import { MAX_PAGE } from './key-pages.ts'

/** Most bytes of a request body; a descriptor needs about 200. */
const MAX_BODY_BYTES = 16 * 1024

type Handle = Route['handle']

/** What holds for all repositories of an index. */
export interface IndexFacts {
  /** As in `LinkedManifest`. */
  readonly blobsFollow: boolean
}

const usualFacts: IndexFacts = { blobsFollow: false }

/** What the index says of a manifest, as its answer tells it. */
type Linked = (found: Descriptor | undefined) => LinkedManifest | undefined

/** The HTTP API of the build-index. */
export function buildIndexServerRoutes(index: BuildIndex, looks: LookBudget, facts = usualFacts): readonly Route[] {
  const find = finder(looks)
  const linked = (found: Descriptor | undefined): LinkedManifest | undefined =>
    found && { ...found, ...(facts.blobsFollow && { blobsFollow: true }) }
  return [
    ...catalogRoutes(index),
    ...tagRoutes(index, find, linked),
    ...manifestRoutes(index, find, linked),
    ...blobRoutes(index, find),
    ...referrerServerRoutes(index),
  ]
}

/** Answers with what `work` finds. @throws `absent` when it finds nothing */
type Find = (exchange: Exchange, absent: ErrorCode, work: () => Promise<object | undefined>) => Promise<void>

/** Proxies show who they are; they have let their clients pay. */
function finder(looks: LookBudget): Find {
  return async (exchange, absent, work) => {
    const look = async () => {
      const found = await work()
      if (found === undefined) throw appError(absent)
      return found
    }
    sendJson(exchange, 200, await (isMember(exchange) ? look() : looks.during(exchange.req, look)))
  }
}

const isMember = ({ principal }: Exchange) => principal.name !== 'anonymous' && may(principal, 'ring')

function catalogRoutes(index: RepositoryCatalog): readonly Route[] {
  const list: Handle = async (exchange) => {
    sendJson(exchange, 200, await index.listRepositories(pageOf(exchange, parseRepositoryName)))
  }
  return [read(buildIndexRoutes.repositories, 'names of the repositories', list)]
}

function tagRoutes(index: TagIndex, find: Find, linked: Linked): readonly Route[] {
  const target = (exchange: Exchange) => [repositoryOf(exchange), parseTag(param(exchange, 'tag'))] as const

  const list: Handle = async (exchange) => {
    const [repository, page] = [repositoryOf(exchange), pageOf(exchange, parseTag)]
    await find(exchange, 'NAME_UNKNOWN', () => index.listTags(repository, page))
  }
  const get: Handle = async (exchange) => {
    const [repository, tag] = target(exchange)
    await find(exchange, 'MANIFEST_UNKNOWN', async () => linked(await index.getTag(repository, tag, exchange)))
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

function manifestRoutes(index: ManifestLinks, find: Find, linked: Linked): readonly Route[] {
  const get: Handle = async (exchange) => {
    const [repository, digest] = linkOf(exchange)
    await find(exchange, 'MANIFEST_UNKNOWN', async () =>
      linked(await index.getManifest(repository, digest, ageOf(exchange))),
    )
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

function blobRoutes(index: BlobLinks, find: Find): readonly Route[] {
  const get: Handle = async (exchange) => {
    const [repository, digest] = linkOf(exchange)
    await find(exchange, 'BLOB_UNKNOWN', () => index.getBlob(repository, digest, ageOf(exchange)))
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

function referrerServerRoutes(index: ReferrerIndex): readonly Route[] {
  const subjectOf = (exchange: Exchange) => [repositoryOf(exchange), parseDigest(param(exchange, 'subject'))] as const

  const get: Handle = async (exchange) => {
    const { last } = pageOf(exchange, parseDigest)
    sendJson(exchange, 200, await index.listReferrers(...subjectOf(exchange), { last, signal: exchange.signal }))
  }
  const put: Handle = async (exchange) => {
    const [, digest] = linkOf(exchange)
    const referrer = parseBody(referrerSchema, await readJson(exchange, MAX_REFERRER_BYTES))
    if (referrer.digest !== digest) throw otherDigest(digest, referrer.digest)
    await index.putReferrer(...subjectOf(exchange), referrer, exchange)
    sendEmpty(exchange, 204)
  }
  const remove: Handle = async (exchange) => {
    const [, digest] = linkOf(exchange)
    await index.deleteReferrer(...subjectOf(exchange), digest, exchange)
    sendEmpty(exchange, 204)
  }

  const { all, one } = referrerRoutes
  return [
    read(all, 'what has a manifest as its subject', get),
    write('PUT', one, 'notes what has a manifest as its subject', put),
    write('DELETE', one, 'removes it from that list', remove),
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

/** Callers say that they take an answer of a moment ago. */
const ageOf = ({ query, signal }: Exchange): LinkOptions => ({ signal, remembered: query.get('remembered') === 'true' })

const param = ({ params }: Exchange, name: string): string => params[name] ?? ''
const repositoryOf = (exchange: Exchange) => parseRepository(param(exchange, 'repository'))
const linkOf = (exchange: Exchange) => [repositoryOf(exchange), parseDigest(param(exchange, 'digest'))] as const

/** @throws PAGINATION_NUMBER_INVALID, and what `parse` throws */
function pageOf<T>({ query, signal }: Exchange, parse: (text: string) => T) {
  const { count, last } = pageRequest(query, { max: MAX_PAGE })
  return { n: count, last: last === undefined ? undefined : parse(last), signal }
}

function otherDigest(expected: Digest, actual: Digest) {
  const message = 'the descriptor in the body is of another digest than the path'
  return appError('DIGEST_INVALID', { message, detail: { expected, actual } })
}
