import type { JobSpec } from '../../../lib/api/index.ts'
import { appError } from '../../../lib/base/index.ts'
import { parseWebUrl } from '../../../lib/core/index.ts'
import { targetOf } from './image-url.ts'
import { type Content, type Job, type NewPart, NO_CLUSTER, type Part, type PartSpec } from './model.ts'

/** Parts of one job that are known when it is made: of an image that a registry is asked for, those that follow. */
export const MAX_PARTS = 1000
/** Blobs of one image in a distribution, each of which is a part that follows. */
const MAX_FOLLOWING = 5000

export interface PlanInit {
  /** Ids of clusters. */
  readonly clusters: readonly string[]
  /** Hosts of registries whose images are our own. */
  readonly ownNames: readonly string[]
  /** Somebody has shown credentials for the registries. */
  readonly hasCredentials: boolean
}

const refuse = (message: string) => appError('BODY_INVALID', { message })

/** The parts of one target of a job. @throws BODY_INVALID, NAME_INVALID, TAG_INVALID, DIGEST_INVALID, URL_INVALID */
function partsOf(kind: JobSpec['kind'], text: string, init: PlanInit): readonly NewPart[] {
  const found = targetOf(text, init.ownNames)
  const everywhere = (step: NewPart['step'], spec: PartSpec) =>
    init.clusters.map((cluster) => ({ cluster, step, spec }))
  const { target } = found
  if (kind === 'query' || kind === 'delete' || kind === 'pin' || kind === 'unpin')
    return everywhere('fleet', { target, order: kind })
  if (!('repository' in found)) throw refuse('say of which repository the blob is: repository@digest')
  if (kind === 'backfill') {
    if (target.includes('@')) throw refuse('what is replicated is a tag: say repository:tag')
    return everywhere('backfill', { target })
  }
  if (init.hasCredentials && found.url !== undefined && kind === 'preheat')
    return [{ cluster: NO_CLUSTER, step: 'resolve', spec: { target, url: found.url, clusters: init.clusters } }]
  return everywhere('content', { target, ...(found.url !== undefined && { url: found.url }) })
}

/** What a job begins with. @throws as `partsOf` */
export function planParts({ kind, targets = [], urls = [] }: JobSpec, init: PlanInit): readonly NewPart[] {
  const { clusters, hasCredentials } = init
  if (kind === 'gc' || kind === 'retention') return clusters.map((cluster) => ({ cluster, step: kind, spec: {} }))
  if (urls.length > 0 && hasCredentials)
    throw refuse('what only some may read is not shared: credentials are for images, not for urls')
  const parts = [
    ...targets.flatMap((text) => partsOf(kind, text, init)),
    ...urls
      .map((text) => parseWebUrl(text))
      .flatMap((url) => clusters.map((cluster): NewPart => ({ cluster, step: 'url', spec: { url } }))),
  ]
  const count = parts.reduce((sum, { spec }) => sum + (spec.clusters?.length ?? 1), 0)
  if (count > MAX_PARTS) throw refuse(`clusters times targets may be ${MAX_PARTS} in one job`)
  return parts
}

/** What follows once it is known of which blobs an image consists, or which blob lies under a URL. */
export function partsOfContent({ spec }: Job, part: Part, { digest, repository, items }: Content): readonly NewPart[] {
  const { cluster, n } = part
  const target = `${repository}@${digest}`
  if (spec.kind === 'distribution') {
    if (items.length > MAX_FOLLOWING) throw appError('MANIFEST_INVALID', { message: 'the image has too many blobs' })
    return items.map((item) => ({
      cluster,
      step: 'fleet',
      spec: { order: 'query', target: item.digest, contentOf: n },
    }))
  }
  if (spec.scope === 'agents') return [{ cluster, step: 'fleet', spec: { order: 'preload', target, contentOf: n } }]
  // What lies under a URL was brought by the origin that was asked for it.
  if (part.step === 'url' && spec.scope !== 'all_origins') return []
  return [{ cluster, step: 'origins', spec: { target, contentOf: n } }]
}
