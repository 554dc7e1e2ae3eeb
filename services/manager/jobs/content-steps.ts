import { appError } from '../../../lib/base/index.ts'
import { parseWebUrl, urlRepository } from '../../../lib/core/index.ts'
import type { Content } from './model.ts'
import { newRow } from './model.ts'
import { ownersOf } from './origin-owners.ts'
import { partsOfContent } from './plan-parts.ts'
import { endOf, firstOf, insist, Over, type Step } from './step.ts'

/** Asks a tracker what an image or a blob is. */
export const contentStep: Step = async (work) => {
  const { job, part, talk } = work
  const { target = '' } = part.spec
  const platforms = (job.spec.platforms ?? []).join(',')
  const found = await insist(work, (options) =>
    firstOf(talk.trackers(part.cluster)).admin.content({ target, ...(platforms !== '' && { platforms }) }, options),
  )
  const { digest, repository, items } = found
  if (repository === undefined)
    throw appError('BODY_INVALID', { message: 'say of which repository the blob is: repository@digest' })
  const content: Content = {
    digest,
    repository,
    items: items.map((item) => ({ digest: item.digest, size: item.size })),
  }
  return { state: 'done', content, next: partsOfContent(job, part, content) }
}

/** Has an origin bring what lies under a URL, until its digest is known. */
export const urlStep: Step = async (work) => {
  const { job, part, talk, ledger, verdict, clock, lookMs, signal } = work
  const url = parseWebUrl(part.spec.url ?? '')
  const repository = urlRepository(url)
  const key = repository.name
  for (;;) {
    const { origin, answer } = await insist(work, async (options) => {
      const [first] = await ownersOf(talk.origins(part.cluster), key, options)
      const asked = firstOf(talk.origins(part.cluster), ({ id }) => first === undefined || id === first)
      return { origin: asked.id, answer: await asked.admin.bringUrl({ body: { url } }, options) }
    })
    const { digest, size } = answer
    const row = newRow(part.n, origin, { attempts: 1, bytes: size, blobs: 1 })
    const before = await ledger.rowsOf(part)
    if (digest !== undefined) {
      // Another origin may have been asked before.
      await ledger.saveRows(job.id, [{ ...row, blob: digest, state: 'done', doneBytes: size, doneBlobs: 1 }], before)
      const content: Content = { digest, repository: `${repository.registry}/${key}`, items: [{ digest, size }] }
      return { state: 'done', content, next: partsOfContent(job, part, content) }
    }
    const gone = before.filter(({ host }) => host !== origin)
    if (!before.some(({ host }) => host === origin)) await ledger.saveRows(job.id, [{ ...row, state: 'running' }], gone)
    const over = verdict()
    if (over !== undefined) throw new Over(endOf(over))
    await clock.sleep(lookMs, { signal })
  }
}
