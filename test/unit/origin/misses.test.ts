import { describe, expect, test } from '@jest/globals'
import { memoryBackend } from '../../../lib/backend/index.ts'
import { deferred, fakeClock } from '../../../lib/base/index.ts'
import { digestOf, parseRepository } from '../../../lib/core/index.ts'
import { blobKey } from '../../../services/origin/blob-keys.ts'
import { misses } from '../../../services/origin/bring/misses.ts'
import { sourceKeys } from '../../../services/origin/bring/source-keys.ts'
import { cipherBytes } from '../../kit/cipher-bytes.ts'
import { originLab } from '../../kit/origin-lab.ts'

const bytes = cipherBytes('pushed', 300_000)
const blob = { digest: digestOf(bytes), repository: parseRepository('team/app') }
const ask = { hop: false } as const
const nowhere = { status: 'rejected', reason: expect.objectContaining({ code: 'BLOB_UNKNOWN' }) }

async function started() {
  const lab = originLab({ count: 3, replicas: 2 })
  for (const { store } of lab.origins) await store.start()
  const push = async (at: number) => {
    const { uploads } = lab.origins[at]!
    const { id } = await uploads.create('127.0.0.1')
    const body = (async function* () {
      yield bytes
    })()
    await uploads.append(id, body, { offset: 0 })
    await uploads.commit(id, blob)
  }
  const askAll = () =>
    Promise.allSettled(lab.origins.flatMap(({ ingest }) => [ingest.size(blob), ingest.ensure(blob, ask)]))
  return { lab, push, askAll }
}

describe('a blob that is nowhere', () => {
  test('costs one look at the backend, whichever origins are asked how, together and one after the other', async () => {
    const { lab, askAll } = await started()
    await lab.origins[0]!.ingest.size(blob).catch(() => undefined)
    expect(await askAll()).toEqual(Array(6).fill(nowhere))
    for (const { ingest } of lab.origins) {
      await expect(ingest.ensure(blob, ask)).rejects.toMatchObject({ code: 'BLOB_UNKNOWN' })
      await expect(ingest.size(blob)).rejects.toMatchObject({ code: 'BLOB_UNKNOWN' })
    }
    expect(lab.backend.calls.stat).toBe(1)
  })

  test.each([0, 1, 2])('is there at once after a push to origin %i, at every origin', async (at) => {
    const { askAll, push } = await started()
    await askAll()
    await push(at)
    const fulfilled = (await askAll()).map(({ status }) => status)
    expect(fulfilled).toEqual(Array(6).fill('fulfilled'))
  })

  test('is looked for again after a second: somebody may have written it into the backend', async () => {
    const { lab, askAll } = await started()
    await askAll()
    await lab.inner.write(blobKey(blob.digest), bytes, { size: bytes.length })
    await lab.clock.advance(1_000)
    expect((await askAll()).map(({ status }) => status)).toEqual(Array(6).fill('fulfilled'))
  })

  test('that is looked for while it comes is not remembered', () => {
    const backend = memoryBackend()
    const list = misses({ clock: fakeClock(), keys: sourceKeys({ backendFor: () => backend }), owns: () => true })
    const [late, other] = [list.look(blob), list.look(blob)]
    list.clear(blob)
    for (const look of [late, other]) {
      look.missed()
      look.end()
    }
    list.check(blob)
    const next = list.look(blob)
    next.missed()
    next.end()
    expect(() => list.check(blob)).toThrow(expect.objectContaining({ code: 'BLOB_UNKNOWN' }))
    list.clear(blob)
    list.check(blob)
  })

  test('pushed while an origin looks for it: the next reader finds it', async () => {
    const { lab, push } = await started()
    const [first] = lab.origins[0]!.cluster.owners(blob.digest)
    const reader = lab.origin(first!.id)
    const gate = deferred()
    lab.watched.lookAfter(gate.promise)
    const looking = reader.ingest.size(blob).catch(() => undefined)
    lab.watched.lookAfter(Promise.resolve())
    await push(lab.origins.indexOf(reader))
    gate.resolve()
    await looking
    expect(await reader.ingest.size(blob)).toBe(bytes.length)
  })
})
