import { managerApi } from '../../../lib/api/index.ts'
import { appError } from '../../../lib/base/index.ts'
import { parseDigest, parseRepository, parseTag, repositoryText } from '../../../lib/core/index.ts'
import { type Exchange, pageRequest, type Route, sendEmpty, sendJson } from '../../../lib/http/index.ts'
import type { Act } from '../acts.ts'
import { managerRoute, UNKEPT } from '../managed.ts'
import type { ContentViews } from './content-views.ts'
import type { ImageViews } from './image-views.ts'
import { given, PAGE, param } from './view-words.ts'

export interface ImageRoutesComponents {
  readonly images: ImageViews
  readonly contents: ContentViews
  readonly act: Act
}

const repositoryOf = (exchange: Exchange): string => repositoryText(parseRepository(param(exchange, 'repository')))

/** A tag or a digest. @throws REQUEST_INVALID, TAG_INVALID, DIGEST_INVALID */
function referenceOf(exchange: Exchange): string {
  const reference = given(exchange, 'reference')
  if (reference === undefined) throw appError('REQUEST_INVALID', { message: 'say a reference: a tag or a digest' })
  return reference.includes(':') ? parseDigest(reference) : parseTag(reference)
}

/** Images of all clusters. */
export function imageRoutes({ images, contents, act }: ImageRoutesComponents): readonly Route[] {
  return [
    managerRoute(managerApi.images, async (exchange) => {
      const { count, last } = pageRequest(exchange.query, PAGE)
      const asked = { count, last, text: given(exchange, 'text'), signal: exchange.signal }
      sendJson(exchange, 200, await images.page(asked), UNKEPT)
    }),
    managerRoute(managerApi.image, async (exchange) => {
      const repository = repositoryOf(exchange)
      const clusters = await images.of(repository, { signal: exchange.signal })
      sendJson(exchange, 200, { repository, clusters }, UNKEPT)
    }),
    managerRoute(managerApi.imageContent, async (exchange) => {
      const [repository, reference] = [repositoryOf(exchange), referenceOf(exchange)]
      const asked = { repository, reference, platforms: given(exchange, 'platforms'), signal: exchange.signal }
      sendJson(exchange, 200, { repository, clusters: await contents.of(asked) }, UNKEPT)
    }),
    managerRoute(managerApi.deleteTag, async (exchange) => {
      const { principal, signal } = exchange
      const cluster = param(exchange, 'cluster')
      const at = { repository: repositoryOf(exchange), tag: parseTag(param(exchange, 'tag')) }
      const noted = { actor: principal.name, action: 'image.deleteTag', target: `${at.repository}:${at.tag}` }
      await act({ ...noted, detail: { cluster } }, (mayBeDone) =>
        contents.removeTag(cluster, at, { signal, mayBeDone }),
      )
      sendEmpty(exchange, 204)
    }),
  ]
}
