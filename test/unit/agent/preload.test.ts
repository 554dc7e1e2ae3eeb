import { PassThrough, type Readable } from 'node:stream'
import { describe, expect, test } from '@jest/globals'
import { type AbortOptions, appError, deferred, fakeClock, seededRandom } from '../../../lib/base/index.ts'
import type { Digest } from '../../../lib/core/index.ts'
import { parseImageTag } from '../../../lib/kraken/index.ts'
import { bringBlob } from '../../../services/agent/bring-blob.ts'
import { preload } from '../../../services/agent/kraken/preload.ts'
import { descriptorOf, imageFixture, manifestFixture } from '../../kit/image-fixture.ts'

const OCI_IMAGE = 'application/vnd.oci.image.manifest.v1+json'
const random = seededRandom(5)

/** An image of a config and six layers, and pulls whose streams the test holds in its hand. */
function setting() {
  const images = Array.from({ length: 6 }, () => imageFixture(random))
  const layers = images.map(({ layers: [layer] }) => descriptorOf(layer!, 'application/vnd.oci.image.layer.v1.tar'))
  const config = descriptorOf(images[0]!.config, 'application/vnd.oci.image.config.v1+json')
  const manifest = manifestFixture(OCI_IMAGE, { config, layers })
  const open = new Map<Digest, Readable>()
  const closed: Digest[] = []
  const three = deferred()
  const outside = { store: { stat: () => Promise.resolve(undefined) }, clock: fakeClock(), random }
  const bring = preload({
    platform: { os: 'linux', architecture: 'amd64' },
    manifests: {
      resolve: () => Promise.resolve(descriptorOf(manifest, OCI_IMAGE)),
      read: () => Promise.resolve(manifest.bytes),
    },
    bring: bringBlob({
      ...outside,
      pulls: {
        async find({ digest }, { signal }: AbortOptions = {}) {
          if (signal?.aborted === true) throw appError('ABORTED')
          return {
            size: 10,
            async open() {
              const body = new PassThrough()
              open.set(digest, body)
              if (open.size === 3) three.resolve()
              return body
            },
            names: () => undefined,
            close: () => closed.push(digest),
          }
        },
      },
    }),
  })
  return { bring, open, closed, three: three.promise }
}

const image = parseImageTag('library/app:1')

describe('a preload', () => {
  test('whose blob fails ends the others, and has ended with them', async () => {
    const { bring, open, closed, three } = setting()
    const done = bring(image)
    await three
    const [first] = open.values()
    first!.destroy(appError('SOURCES_EXHAUSTED'))
    await expect(done).rejects.toMatchObject({ code: 'SOURCES_EXHAUSTED' })
    expect({ begun: open.size, closed: closed.length }).toEqual({ begun: 3, closed: 3 })
    expect([...open.values()].every(({ destroyed }) => destroyed)).toBe(true)
  })

  test('ends with its caller', async () => {
    const { bring, open, closed, three } = setting()
    const caller = new AbortController()
    const done = bring(image, { signal: caller.signal })
    await three
    caller.abort()
    await expect(done).rejects.toMatchObject({ name: 'AbortError' })
    expect({ begun: open.size, closed: closed.length }).toEqual({ begun: 3, closed: 3 })
  })
})
