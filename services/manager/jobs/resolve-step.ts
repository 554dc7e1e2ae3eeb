import { appError } from '../../../lib/base/index.ts'
import { imageOfText, imageText } from './image-url.ts'
import { insist, type Step } from './step.ts'

/**
 * Asks the registry what the image is, with what was shown for the job: whoever may not read it there starts nothing here. From then
 * on the job needs no credentials; the clusters bring the image with their own.
 */
export const resolveStep: Step = async (work) => {
  const { job, part, credentials, registries } = work
  const { target = '', url = '', clusters = [] } = part.spec
  const shown = credentials.of(job.id)
  if (shown === undefined) throw appError('CREDENTIALS_LOST')
  const digest = await insist(work, (options) => registries.digestOf(url, shown, options))
  const pinned = imageText(imageOfText(target).repository, digest)
  return {
    state: 'done',
    next: clusters.map((cluster) => ({ cluster, step: 'content', spec: { target: pinned, url } })),
  }
}
