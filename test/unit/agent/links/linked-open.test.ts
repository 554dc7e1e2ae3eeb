import { Readable } from 'node:stream'
import { describe, expect, test } from '@jest/globals'
import type { BlobLink } from '../../../../lib/api/index.ts'
import { appError, type Deferred, deferred, fakeClock } from '../../../../lib/base/index.ts'
import { type BlobRef, digestOf, headerOf, parseRepository } from '../../../../lib/core/index.ts'
import type { BlobHandle, OpenOptions, PullSummary } from '../../../../lib/swarm/index.ts'
import { linkedOpen, links } from '../../../../services/agent/links/index.ts'

const digest = digestOf(Buffer.from('a layer'))
const repository = parseRepository('team/x')
const blob = { repository, digest }
const manifest = { digest: digestOf(Buffer.from('a manifest')), mediaType: 'a/b', size: 1 }

/** An agent whose build-index answers when the test says so, and whose engine has every digest. */
function lab() {
  const clock = fakeClock()
  const questions: { readonly answer: Deferred<BlobLink | undefined>; readonly signal: AbortSignal | undefined }[] = []
  const opened: { readonly blob: BlobRef; readonly options: OpenOptions; closed: boolean }[] = []
  const index = {
    getBlob: (_repository: unknown, _digest: unknown, { signal }: { signal?: AbortSignal | undefined } = {}) => {
      const answer = deferred<BlobLink | undefined>()
      questions.push({ answer, signal })
      signal?.addEventListener('abort', () => answer.reject(appError('ABORTED')))
      return answer.promise
    },
    getManifest: async () => manifest,
    getTag: async () => manifest,
  }
  const kept = { find: async () => undefined, keep: () => undefined, drop: () => undefined }
  const engine = {
    async open(which: BlobRef, options: OpenOptions = {}): Promise<BlobHandle> {
      const entry = { blob: which, options, closed: false }
      opened.push(entry)
      const close = () => {
        entry.closed = true
      }
      const summary = {} as PullSummary
      const answers = { header: headerOf(digest, 7), size: 7, soFar: summary, summary: Promise.resolve(summary) }
      return { ...answers, read: () => Readable.from([]), close }
    },
  }
  const proven = links({ clock, index, kept }, { linkTtlMs: 30_000, outageTtlMs: 60_000 })
  const linked = linkedOpen({ engine, links: proven })
  /** Reads a manifest of the repository that names the blob. */
  const read = async () => {
    const found = await proven.manifest(repository, manifest.digest)
    if (found !== undefined) proven.names(repository, found, [digest])
  }
  return { clock, linked, questions, opened, read }
}

const soon = () => new Promise<void>((resolve) => setImmediate(resolve))
const link = { digest, size: 7 }

describe('a blob', () => {
  test('that nothing speaks for is opened after the build-index has said yes', async () => {
    const { linked, questions, opened } = lab()
    expect(linked.asksFirst(blob)).toBe(true)
    const opening = linked.open(blob)
    await soon()
    expect([questions.length, opened.length]).toEqual([1, 0])
    questions[0]?.answer.resolve(link)
    expect((await opening).size).toBe(7)
  })

  test('that nothing speaks for and that is not linked is never opened', async () => {
    const { linked, questions, opened } = lab()
    const opening = linked.open(blob)
    await soon()
    questions[0]?.answer.resolve(undefined)
    await expect(opening).rejects.toMatchObject({ code: 'BLOB_UNKNOWN' })
    expect(opened).toEqual([])
  })

  test('that a manifest of its repository names is opened while the build-index is asked, and given after its answer', async () => {
    const { linked, questions, opened, read } = lab()
    await read()
    expect(linked.asksFirst(blob)).toBe(false)
    let given = false
    const opening = linked.open(blob).then((handle) => {
      given = true
      return handle
    })
    await soon()
    expect([questions.length, opened.length, given]).toEqual([1, 1, false])
    questions[0]?.answer.resolve(link)
    expect((await opening).size).toBe(7)
  })

  test('that is named and no longer linked is given to nobody, and what was opened is closed', async () => {
    const { linked, questions, opened, read } = lab()
    await read()
    const opening = linked.open(blob)
    await soon()
    questions[0]?.answer.resolve(undefined)
    await expect(opening).rejects.toMatchObject({ code: 'BLOB_UNKNOWN' })
    await soon()
    expect(opened.map(({ options, closed }) => [options.signal?.aborted, closed])).toEqual([[true, true]])
  })

  test('that was proven a moment ago is opened without a question, until that is too old', async () => {
    const { clock, linked, questions } = lab()
    const opening = linked.open(blob)
    await soon()
    questions[0]?.answer.resolve(link)
    await opening
    await clock.advance(29_999)
    await linked.open(blob)
    expect(questions).toHaveLength(1)
    await clock.advance(1)
    void linked.open(blob)
    await soon()
    expect(questions).toHaveLength(2)
  })

  test('that many ask for at once costs one question, and one who leaves takes nothing from the others', async () => {
    const { linked, questions } = lab()
    const leaving = new AbortController()
    const left = linked.open(blob, { signal: leaving.signal })
    await soon()
    const others = Array.from({ length: 20 }, () => linked.open(blob))
    await soon()
    leaving.abort()
    await expect(left).rejects.toMatchObject({ code: 'ABORTED' })
    // The question of the one who left ended with him: the others ask once, for all of them.
    await soon()
    expect(questions.filter(({ signal }) => signal?.aborted === false)).toHaveLength(1)
    questions.at(-1)?.answer.resolve(link)
    expect((await Promise.all(others)).map(({ size }) => size)).toEqual(others.map(() => 7))
  })

  test('that many ask for one after the other, while one question is under way, costs no second one', async () => {
    const { linked, questions } = lab()
    const readers = [linked.open(blob)]
    await soon()
    readers.push(...Array.from({ length: 20 }, () => linked.open(blob)))
    await soon()
    questions[0]?.answer.resolve(link)
    await Promise.all(readers)
    expect(questions).toHaveLength(1)
  })

  test('that is pushed while a question is under way is there for who asks after the push', async () => {
    const { linked, questions } = lab()
    const before = linked.open(blob)
    await soon()
    const after = linked.open(blob)
    await soon()
    questions[0]?.answer.resolve(undefined)
    await expect(before).rejects.toMatchObject({ code: 'BLOB_UNKNOWN' })
    await soon()
    questions[1]?.answer.resolve(link)
    expect((await after).size).toBe(7)
  })
})
