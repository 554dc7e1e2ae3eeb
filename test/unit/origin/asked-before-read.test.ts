import { describe, expect, test } from '@jest/globals'
import { appError } from '../../../lib/base/index.ts'
import { parseRepository, pieceLengthFor } from '../../../lib/core/index.ts'
import { blobKey } from '../../../services/origin/blob-keys.ts'
import type { Siblings } from '../../../services/origin/ring/siblings.ts'
import { cipherBytes } from '../../kit/cipher-bytes.ts'
import { type OriginLab, originLab } from '../../kit/origin-lab.ts'
import { contentOf } from '../../kit/store-fixture.ts'

const PIECE = pieceLengthFor(0)
const size = 2 * PIECE
const content = contentOf(cipherBytes('right', size), PIECE)
const blob = { digest: content.digest, repository: parseRepository('team/app') }
const hop = { hop: true } as const

type Answer = 'answer' | 'silence' | 'break' | 'refused'

/** Two origins; what becomes of the questions of `m1` to `m0`, and how long each may wait. */
function lab(answers: (question: number) => Answer = () => 'answer') {
  const asked: { readonly asker: string | undefined; readonly withinMs: number | undefined }[] = []
  const errors = {
    silence: () => appError('REQUEST_TIMEOUT'),
    break: () => appError('PEER_CLOSED'),
    refused: () => appError('PEER_CLOSED', { cause: { code: 'ECONNREFUSED' } }),
  }
  const siblingsFor = (id: string, inner: Siblings): Siblings => {
    if (id !== 'm1') return inner
    return {
      ...inner,
      async holding(member, wanted, options = {}) {
        asked.push({ asker: options.asker, withinMs: options.withinMs })
        const answer = answers(asked.length)
        if (answer !== 'answer') throw errors[answer]()
        return inner.holding(member, wanted, options)
      },
    }
  }
  return Object.assign(originLab({ count: 2, replicas: 2, siblingsFor }), { asked })
}

async function stored(it: OriginLab): Promise<void> {
  for (const { store } of it.origins) await store.start()
  await it.inner.write(blobKey(content.digest), content.bytes, { size })
}

/** What `m1` receives while `m0` reads the backend; `meanwhile` is called once `m0` has read a part of the blob. */
async function beside(it: OriginLab, meanwhile: () => void = () => undefined) {
  await stored(it)
  const [reader, other] = [it.origin('m0'), it.origin('m1')]
  it.watched.openTo(PIECE)
  const reading = reader.ingest.ensure(blob, hop)
  await (await reader.store.openPartial(content.digest, content.map)).whenVerified(0)
  meanwhile()
  const over = Promise.all([reading, other.ingest.ensure(blob, hop)])
  const moment = () => it.clock.advance(50).then(() => 'moment' as const)
  for (let moments = 0; moments < 60; moments += 1) await moment()
  it.watched.openTo(Number.POSITIVE_INFINITY)
  while ((await Promise.race([over, moment()])) === 'moment');
  return other.received
}

const takeOut = (it: OriginLab) => {
  for (let i = 0; i < 3; i += 1) it.origin('m1').cluster.report('m0', 'failed')
}
const followed = { backend: 0, origin: size }

describe('an origin that is about to read the backend', () => {
  test('asks each other origin once, as long as all is well', async () => {
    const it = lab()
    await stored(it)
    await it.origin('m1').ingest.ensure(blob, hop)
    expect(it.asked).toEqual([{ asker: 'm1', withinMs: undefined }])
  })

  test('asks one that counts as out, too, and waits for it only for a moment', async () => {
    const it = lab(() => 'silence')
    takeOut(it)
    await stored(it)
    await it.origin('m1').ingest.ensure(blob, hop)
    expect(it.asked).toEqual([{ asker: 'm1', withinMs: 500 }])
  })

  test('follows one that counts as out and reads', async () => {
    const it = lab()
    expect(await beside(it, () => takeOut(it))).toEqual(followed)
    expect(it.asked.length).toBe(1)
  })

  test.each<[string, Answer, number]>([
    ['is silent', 'silence', 2],
    ['breaks', 'break', 4],
  ])('waits for one that has said that it reads, though it %s for a while', async (_what, answer, times) => {
    const it = lab((question) => (question <= times ? answer : 'answer'))
    expect(await beside(it, () => takeOut(it))).toEqual(followed)
    expect(it.asked).toEqual(Array.from({ length: times + 1 }, () => ({ asker: 'm1', withinMs: undefined })))
  })

  test.each<[string, Answer, number]>([
    ['is silent', 'silence', 3],
    ['breaks', 'break', 5],
    ['is dead', 'refused', 1],
  ])('waits no longer for one that has said that it reads, and %s', async (_what, answer, times) => {
    const it = lab(() => answer)
    expect((await beside(it)).backend).toBeGreaterThan(0)
    expect(it.asked.length).toBe(times)
  })

  test('has no patience twice with one that has proven dead', async () => {
    const it = lab(() => 'silence')
    await beside(it)
    const { digest } = blob
    await it.origin('m1').store.delete(digest)
    await it.origin('m1').ingest.ensure(blob, hop)
    expect(it.asked.length).toBe(4)
  })
})
