import { setMaxListeners } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { deferred, seededRandom } from '../../lib/base/index.ts'
import { pushImage } from '../contract/registry/running-registry.ts'
import { startProxyStack } from '../integration/proxy/proxy-stack.ts'
import { imageFixture } from '../kit/image-fixture.ts'
import { basic, passwordLine } from '../kit/registry-access.ts'
import { registryClient } from '../kit/registry-client.ts'
import { tempFolder } from '../kit/temp-folder.ts'

/** Whoever guesses passwords learns little, and keeps nobody from a pull who is known or needs no log-in. */

const rules = [
  { who: ['anonymous'], repositories: ['public/*'], actions: ['pull'] },
  { who: ['user:ann'], repositories: ['*'], actions: ['push'] },
]
const image = imageFixture(seededRandom(4))
/** Of the highest cost that is taken: one comparison lasts as long as many pulls. */
const SLOW_HASH = '$2y$15$abcdefghijklmnopqrstuuW1Zc0wS3pWn1m0b0Gd6gkq7bqXzWm7e'
const GUESSES = 300
/** One is compared and 32 wait; all others are refused at once. */
const MOST_OPEN = 33
const PULLS = 30

test('in a storm of wrong passwords from many addresses no pull waits for a comparison', async () => {
  await using folder = await tempFolder('storm')
  const users = join(folder.path, 'htpasswd')
  await writeFile(users, `${passwordLine('ann', 'of ann')}\nbob:${SLOW_HASH}\n`)
  await using stack = await startProxyStack({ registry: { access: { rules, users } } })
  const ann = registryClient(stack.url, { headers: basic('ann', 'of ann') })
  await pushImage(ann, 'public/app', image, ['1.0'])

  const over = new AbortController()
  setMaxListeners(GUESSES, over.signal)
  const answered: number[] = []
  const isFull = deferred()
  const guess = async (i: number) => {
    const guesser = registryClient(stack.url, { headers: basic('bob', `guess ${i}`), from: `127.0.1.${1 + (i % 40)}` })
    answered.push((await guesser.send('GET', '/v2/', { signal: over.signal })).status)
    if (answered.length === GUESSES - MOST_OPEN) isFull.resolve()
  }
  const storm = Promise.allSettled(Array.from({ length: GUESSES }, (_, i) => guess(i)))
  await isFull.promise
  const compared = () => answered.filter((status) => status === 401).length
  const comparedBefore = compared()
  for (let i = 0; i < PULLS; i += 1) {
    const client = i % 2 === 0 ? ann : registryClient(stack.url)
    expect((await client.send('GET', '/v2/public/app/manifests/1.0')).status).toBe(200)
  }
  expect(compared() - comparedBefore).toBeLessThan(PULLS / 2)
  expect(answered.length).toBeLessThan(GUESSES)
  expect(answered.filter((status) => status !== 401)).toEqual(Array(answered.length - compared()).fill(429))
  over.abort()
  await storm
})
