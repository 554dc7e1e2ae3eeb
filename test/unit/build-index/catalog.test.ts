import { beforeEach, describe, expect, test } from '@jest/globals'
import type { BuildIndex } from '../../../lib/api/index.ts'
import { type Backend, memoryBackend } from '../../../lib/backend/index.ts'
import { fakeClock, seededRandom } from '../../../lib/base/index.ts'
import { type Descriptor, digestOf, parseRepository, parseTag } from '../../../lib/core/index.ts'
import { indexKey } from '../../../services/build-index/index-keys.ts'
import { localIndex } from '../../kit/local-index.ts'

const app = parseRepository('team/app')
const v1 = parseTag('v1')
const mark = indexKey(app, { kind: 'repository' })
const descriptor = (text: string): Descriptor => ({ digest: digestOf(Buffer.from(text)), mediaType: 'a/b', size: 3 })
const [one, two] = [descriptor('one'), descriptor('two')]

let backend: Backend
let index: BuildIndex
/** Called once, after the next deletion of the mark. */
let onUnmarked: () => Promise<unknown>

const indexOn = (place: Backend) => localIndex({ backend: place, clock: fakeClock(), random: seededRandom(1) }).index
const names = async () => (await index.listRepositories()).repositories

beforeEach(() => {
  const plain = memoryBackend()
  onUnmarked = () => Promise.resolve()
  backend = {
    ...plain,
    async delete(key, options) {
      await plain.delete(key, options)
      const then = onUnmarked
      if (key !== mark) return
      onUnmarked = () => Promise.resolve()
      await then()
    },
  }
  index = indexOn(backend)
})

describe('the catalog', () => {
  test('loses a repository with its last manifest, and has it again with the next push', async () => {
    await index.putManifest(app, one)
    await index.putTag(app, v1, { descriptor: one })
    await index.putManifest(app, two)
    await index.deleteManifest(app, one.digest)
    expect(await names()).toEqual(['team/app'])
    await index.deleteManifest(app, two.digest)
    expect(await names()).toEqual([])
    expect(await index.listTags(app)).toBeUndefined()
    await index.putManifest(app, one)
    expect(await names()).toEqual(['team/app'])
  })

  test('keeps a repository whose last tag is deleted while a manifest is there, and one with a tag alone', async () => {
    await index.putManifest(app, one)
    await index.putTag(app, v1, { descriptor: one })
    await index.deleteTag(app, v1)
    expect(await names()).toEqual(['team/app'])
    await index.putTag(app, v1, { descriptor: two })
    await index.deleteManifest(app, one.digest)
    expect(await names()).toEqual(['team/app'])
    await index.deleteTag(app, v1)
    expect(await names()).toEqual([])
  })

  test('a push that found the mark before it was removed is seen by who removed it', async () => {
    await index.putManifest(app, one)
    // As of a writer in another process that looked for the mark before the deletion.
    const blind = indexOn({ ...backend, stat: async (key) => (key === mark ? { size: 0, etag: 'old' } : undefined) })
    onUnmarked = () => blind.putManifest(app, two)
    await index.deleteManifest(app, one.digest)
    expect(await names()).toEqual(['team/app'])
  })

  test('a push that comes after the last look finds no mark, and makes it', async () => {
    await index.putManifest(app, one)
    await index.deleteManifest(app, one.digest)
    const writes: string[] = []
    const watching = indexOn({
      ...backend,
      write(key, ...rest) {
        writes.push(key)
        return backend.write(key, ...rest)
      },
    })
    await watching.putManifest(app, two)
    expect(writes).toEqual([indexKey(app, { kind: 'manifest', digest: two.digest }), mark])
  })
})
