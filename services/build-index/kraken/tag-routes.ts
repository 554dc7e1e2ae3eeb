import type { ManifestLinks, TagIndex } from '../../../lib/api/index.ts'
import { appError } from '../../../lib/base/index.ts'
import { type Descriptor, parseDigest } from '../../../lib/core/index.ts'
import { type Exchange, type Route, sendEmpty, sendText } from '../../../lib/http/index.ts'
import { type ImageTag, parseImageTag } from '../../../lib/kraken/index.ts'
import type { ReplicateNow } from '../replication/replicate-now.ts'

interface TagsOfKraken extends Pick<TagIndex, 'getTag' | 'putTag'>, Pick<ManifestLinks, 'getManifest'> {}

/** What Kraken takes as a boolean. */
const booleans = ['1', 't', 'T', 'TRUE', 'true', 'True', '0', 'f', 'F', 'FALSE', 'false', 'False']

/** Kraken's own paths about one tag. Without `toRemotes` the cluster has no remotes. */
export function krakenTagRoutes(index: TagsOfKraken, toRemotes?: ReplicateNow): readonly Route[] {
  const find = async ({ repository, tag }: ImageTag, { signal }: Exchange): Promise<Descriptor> => {
    const found = await index.getTag(repository, tag, { signal })
    if (found === undefined) throw appError('MANIFEST_UNKNOWN', { message: 'there is no such tag', detail: { tag } })
    return found
  }
  const get = async (exchange: Exchange) => sendText(exchange, 200, (await find(imageOf(exchange), exchange)).digest)
  const put = async (exchange: Exchange) => {
    assertBoolean(exchange.query.get('replicate') ?? 'false')
    const { repository, tag } = imageOf(exchange)
    const digest = parseDigest(exchange.params['digest'] ?? '')
    const { signal } = exchange
    const descriptor = await index.getManifest(repository, digest, { signal })
    if (descriptor === undefined) {
      const message = 'a tag can only be put to a manifest that was pushed to its repository'
      throw appError('MANIFEST_UNKNOWN', { message, detail: { digest } })
    }
    await index.putTag(repository, tag, { descriptor, signal })
    sendEmpty(exchange, 200)
  }
  const replicate = async (exchange: Exchange) => {
    const image = imageOf(exchange)
    await find(image, exchange)
    if (toRemotes === undefined) throw appError('UNSUPPORTED', { message: 'this cluster has no remotes' })
    await toRemotes(image, exchange)
    sendEmpty(exchange, 200)
  }
  const tag = '/tags/:tag'
  return [
    { methods: ['GET', 'HEAD'], path: tag, right: 'read', summary: 'the digest of a tag', handle: get },
    { methods: ['PUT'], path: `${tag}/digest/:digest`, right: 'write', summary: 'moves a tag', handle: put },
    { methods: ['POST'], path: '/remotes/tags/:tag', right: 'admin', summary: 'replicates a tag', handle: replicate },
  ]
}

const imageOf = ({ params }: Exchange) => parseImageTag(params['tag'] ?? '')

function assertBoolean(text: string): void {
  if (!booleans.includes(text)) throw appError('REQUEST_INVALID', { message: 'replicate must be true or false' })
}
