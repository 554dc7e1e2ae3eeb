import { Readable } from 'node:stream'
import { expect, test } from '@jest/globals'
import { appError, fakeClock, seededRandom } from '../../../lib/base/index.ts'
import { progressText, sourcesText } from '../../../services/cli/get/progress.ts'
import { recentRate } from '../../../services/cli/get/recent-rate.ts'
import { steadyRead } from '../../../services/cli/get/steady-read.ts'
import { imageName } from '../../../services/cli/image-name.ts'

const MIB = 1024 * 1024
const content = Buffer.from('the content that is asked for')

/** A source whose bodies break off after so many bytes, one after the other; afterwards they are whole. */
function brittle(cuts: readonly number[]) {
  const clock = fakeClock()
  const asked: (string | undefined)[] = []
  const left = [...cuts]
  const bodyFrom = (start: number) => {
    const cut = left.shift()
    async function* chunks() {
      await Promise.resolve()
      if (cut !== 0) yield content.subarray(start, cut === undefined ? undefined : start + cut)
      if (cut !== undefined) throw appError('PEER_CLOSED')
    }
    return { body: Readable.from(chunks()), start, end: content.length, digest: undefined }
  }
  const source = {
    open: (range: string | undefined) => {
      asked.push(range)
      return Promise.resolve(bodyFrom(Number(range?.split('-')[0])))
    },
  }
  const read = async () => {
    const parts: Uint8Array[] = []
    for await (const part of steadyRead({ clock, random: seededRandom(1), source }, bodyFrom(0), {})) parts.push(part)
    return Buffer.concat(parts).toString()
  }
  return { clock, asked, read }
}

test('what gives further bytes is gone on with as often as it breaks off', async () => {
  const lab = brittle([3, 1, 1, 1, 1, 1, 1, 1, 1, 1])
  const reading = lab.read()
  await lab.clock.advance(60_000)
  expect(await reading).toBe(content.toString())
  expect(lab.asked).toEqual(Array.from({ length: 10 }, (_, i) => `${i + 3}-${content.length - 1}`))
})

test('what gives none is given up after six tries', async () => {
  const lab = brittle([5, ...Array.from({ length: 20 }, () => 0)])
  const reading = lab.read()
  const over = expect(reading).rejects.toMatchObject({ code: 'PEER_CLOSED' })
  await lab.clock.advance(120_000)
  await over
  expect(lab.asked.length).toBe(6)
})

test('how far it is, how fast, and from where it comes stand in one line', () => {
  const bytes = { peer: 60, origin: 20, http: 10, cache: 10 }
  const pull = { bytes, peers: 3 }
  expect(progressText({ done: 30 * MIB, total: 120 * MIB, bytesPerSecond: 9 * MIB, pull })).toBe(
    '[######..................]  25 % of 120.0 MiB  9.0 MiB/s  10s left  60 % peers (3), 30 % origins, 10 % this node',
  )
  expect(progressText({ done: 0, total: 0, bytesPerSecond: 0 })).toBe('[########################]  100 % of 0 B')
  expect(sourcesText({ bytes: { peer: 0, origin: 0, http: 0, cache: 0 }, peers: 0 })).toBe('')
})

test('the rate is that of the last seconds', () => {
  const rate = recentRate()
  expect(rate.at(0, 0)).toBe(0)
  expect(rate.at(1_000, 500)).toBe(500)
  for (let second = 2; second <= 20; second += 1) rate.at(second * 1_000, 500)
  expect(rate.at(21_000, 500)).toBe(0)
})

test.each([
  ['team/app', { name: 'team/app', host: undefined, repository: 'team/app', reference: 'latest' }],
  ['team/app:1', { name: 'team/app', host: undefined, repository: 'team/app', reference: '1' }],
  ['localhost/app', { name: 'localhost/app', host: 'localhost', repository: 'app', reference: 'latest' }],
  ['r.io:5000/a/b:2', { name: 'r.io:5000/a/b', host: 'r.io:5000', repository: 'a/b', reference: '2' }],
])('%s is read as engines read it', (text, read) => {
  expect(imageName(text)).toEqual({ ...read, digest: undefined })
})
