import { expect, test } from '@jest/globals'
import { digestOf, OWN_REGISTRY, parseRepository, type Referrer } from '../../../lib/core/index.ts'
import { fallbackTag, refreshFallback } from '../../../lib/registry/fallback-tag.ts'
import { manifestMediaTypes } from '../../../lib/registry/index.ts'
import type { Manifests, Referrers } from '../../../lib/registry/storage.ts'
import { manifestFixture } from '../../kit/image-fixture.ts'

const repository = parseRepository('team/app')
const subject = digestOf(Buffer.from('subject'))

test('the name of a fallback tag is cut as the specification says', () => {
  expect(repository.registry).toBe(OWN_REGISTRY)
  expect(fallbackTag(subject)).toBe(subject.replace(':', '-'))
  const long = digestOf(Buffer.from('subject'), 'sha512')
  expect(fallbackTag(long)).toBe(long.replace(':', '-').slice(0, 'sha512-'.length + 64))
})

test('a list without end is read only as far as a manifest could hold it, and the tag is left alone', async () => {
  const index = manifestFixture(manifestMediaTypes.ociIndex, { manifests: [] })
  const manifests: Manifests = {
    resolve: async () => ({ digest: index.digest, mediaType: index.mediaType, size: index.bytes.byteLength }),
    read: async () => index.bytes,
  }
  const note = 'x'.repeat(40_000)
  let pages = 0
  const referrers: Referrers = {
    async list() {
      pages += 1
      const digest = digestOf(Buffer.from(String(pages)))
      const referrer: Referrer = { digest, mediaType: 'application/x', size: 1, annotations: { note } }
      return { referrers: [referrer], next: digest }
    },
  }
  const edits = { putManifest: () => Promise.reject(new Error('the tag must be left alone')) }
  await refreshFallback({ manifests, referrers, edits }, { repository, subject }, {})
  expect(pages).toBeLessThanOrEqual(110)
})
