import { describe, expect, test } from '@jest/globals'
import { type BuildIndex, buildIndexCluster } from '../../../lib/api/index.ts'
import { codeOf } from '../../../lib/base/index.ts'
import { type Descriptor, digestOf, parseRepository, parseTag } from '../../../lib/core/index.ts'
import { clusterOf } from '../../kit/cluster.ts'
import { buildResource } from '../../kit/resource-stack.ts'
import { answerError, answerJson, disposableHttp, type Script, scriptedServer } from '../../kit/scripted-server.ts'

const repository = parseRepository('library/nginx')
const tag = parseTag('latest')
const digest = digestOf(Buffer.from('manifest'))
const descriptor: Descriptor = { digest, mediaType: 'application/vnd.oci.image.manifest.v1+json', size: 8 }
const base = '/repositories/library%2Fnginx'

/** Build-indexes with one script each, in the ring order of the repository. */
function indexes(...scripts: readonly Script[]) {
  return buildResource(async (stack) => {
    const http = stack.own(disposableHttp())
    const servers = await Promise.all(scripts.map(async (script) => stack.own(await scriptedServer(script))))
    const order = clusterOf(scripts.map((_, i) => ({ id: `b${i}`, url: '' }))).candidates('library/nginx')
    const cluster = clusterOf(order.map(({ id }, place) => ({ id, url: servers[place]?.url ?? '' })))
    return { servers, api: buildIndexCluster({ http, cluster }) }
  })
}

const refuse: Script = (_, res) => void res.destroy()
const empty: Script = (_, res) => void res.writeHead(204).end()

type Call = (api: BuildIndex) => Promise<unknown>
const tagUrl = `${base}/tags/latest`
const manifestUrl = `${base}/manifests/${digest}`
const blobUrl = `${base}/blobs/${digest}`

const reads: readonly (readonly [string, string, unknown, Call])[] = [
  [
    'the tags',
    `${base}/tags?n=2&last=a`,
    { tags: ['b', 'c'], next: 'c' },
    (api) => api.listTags(repository, { n: 2, last: 'a' }),
  ],
  ['a tag', tagUrl, descriptor, (api) => api.getTag(repository, tag)],
  ['a manifest', manifestUrl, descriptor, (api) => api.getManifest(repository, digest)],
  ['a blob link', blobUrl, { digest, size: 8 }, (api) => api.getBlob(repository, digest)],
]

const writes: readonly { does: string; method: string; url: string; body?: unknown; call: Call }[] = [
  {
    does: 'moves a tag',
    method: 'PUT',
    url: tagUrl,
    body: descriptor,
    call: (api) => api.putTag(repository, tag, { descriptor }),
  },
  { does: 'deletes a tag', method: 'DELETE', url: tagUrl, call: (api) => api.deleteTag(repository, tag) },
  {
    does: 'links a manifest',
    method: 'PUT',
    url: manifestUrl,
    body: descriptor,
    call: (api) => api.putManifest(repository, descriptor),
  },
  {
    does: 'unlinks a manifest',
    method: 'DELETE',
    url: manifestUrl,
    call: (api) => api.deleteManifest(repository, digest),
  },
  {
    does: 'links a blob',
    method: 'PUT',
    url: blobUrl,
    body: { size: 8 },
    call: (api) => api.putBlob(repository, { digest, size: 8 }),
  },
  { does: 'unlinks a blob', method: 'DELETE', url: blobUrl, call: (api) => api.deleteBlob(repository, digest) },
]

describe('build-index cluster', () => {
  test.each(reads)('reads %s', async (_name, url, answer, call) => {
    await using it = await indexes((_, res) => answerJson(res, 200, answer))
    expect(await call(it.api)).toEqual(answer)
    expect(it.servers[0]?.requests[0]).toMatchObject({ method: 'GET', url })
  })

  test.each([
    ['the tags', ['NAME_UNKNOWN']],
    ['a tag', ['NAME_UNKNOWN', 'MANIFEST_UNKNOWN']],
    ['a manifest', ['NAME_UNKNOWN', 'MANIFEST_UNKNOWN']],
    ['a blob link', ['NAME_UNKNOWN', 'BLOB_UNKNOWN']],
  ])('an index that has looked for %s in vain says undefined by %j and no other code', async (name, codes) => {
    const call = reads.find(([what]) => what === name)?.[3] as Call
    for (const code of ['NAME_UNKNOWN', 'MANIFEST_UNKNOWN', 'BLOB_UNKNOWN', 'NOT_FOUND']) {
      await using it = await indexes((_, res) => answerError(res, 404, code))
      const outcome = await call(it.api).catch((err: unknown) => codeOf(err))
      expect(outcome).toBe(codes.includes(code) ? undefined : code)
    }
  })

  test.each(reads)('an outage while reading %s throws', async (_name, _url, _answer, call) => {
    await using down = await indexes(refuse, refuse)
    await expect(call(down.api)).rejects.toMatchObject({ code: 'NO_HEALTHY_MEMBER' })
    await using broken = await indexes((_, res) => answerError(res, 503, 'BACKEND_UNAVAILABLE'))
    await expect(call(broken.api)).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE' })
    await using misled = await indexes((_, res) => void res.writeHead(404).end('no such page'))
    await expect(call(misled.api)).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })

  test.each(reads)('a malformed answer for %s throws', async (_name, _url, _answer, call) => {
    await using it = await indexes((_, res) => answerJson(res, 200, { digest: 'sha256:1', tags: 7 }))
    await expect(call(it.api)).rejects.toMatchObject({ code: 'NO_HEALTHY_MEMBER', cause: { code: 'UNKNOWN' } })
  })

  test.each(writes)('$does, at the next index when the owner is dead', async ({ method, url, body, call }) => {
    await using it = await indexes(refuse, empty)
    await call(it.api)
    const request = it.servers[1]?.requests[0]
    expect(request).toMatchObject({ method, url })
    expect(request?.body.toString()).toBe(body === undefined ? '' : JSON.stringify(body))
  })

  test('deleting an absent entry is an error', async () => {
    await using it = await indexes((_, res) => answerError(res, 404, 'MANIFEST_UNKNOWN'))
    await expect(it.api.deleteTag(repository, tag)).rejects.toMatchObject({ code: 'MANIFEST_UNKNOWN' })
  })

  test('lists repositories by pages', async () => {
    const page = { repositories: ['a', 'b/c'], next: 'b/c' }
    await using it = await indexes((_, res) => answerJson(res, 200, page))
    expect(await it.api.listRepositories({ n: 2 })).toEqual(page)
    expect(it.servers[0]?.requests[0]?.url).toBe('/repositories?n=2')
  })
})
