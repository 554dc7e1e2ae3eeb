import { expect, test } from '@jest/globals'
import { seededRandom } from '../../lib/base/index.ts'
import { pushImage } from '../contract/registry/running-registry.ts'
import { startProxyStack } from '../integration/proxy/proxy-stack.ts'
import { imageFixture } from '../kit/image-fixture.ts'
import { basic, passwordFile } from '../kit/registry-access.ts'
import { registryClient } from '../kit/registry-client.ts'
import { tempFolder } from '../kit/temp-folder.ts'

/** Whoever guesses passwords learns little, and keeps nobody from a pull who is known or needs no log-in. */

const rules = [
  { who: ['anonymous'], repositories: ['public/*'], actions: ['pull'] },
  { who: ['user:ann'], repositories: ['*'], actions: ['push'] },
]
const image = imageFixture(seededRandom(4))

test('a storm of wrong passwords from many addresses slows no other request down, and is refused', async () => {
  await using folder = await tempFolder('storm')
  const users = await passwordFile(folder.path, { ann: 'of ann' }, 8)
  await using stack = await startProxyStack({ registry: { access: { rules, users } } })
  const ann = registryClient(stack.url, { headers: basic('ann', 'of ann') })
  await pushImage(ann, 'public/app', image, ['1.0'])
  const guess = async (i: number) => {
    const from = `127.0.1.${1 + (i % 40)}`
    const guesser = registryClient(stack.url, { headers: basic('ann', `guess ${i}`), from })
    return (await guesser.send('GET', '/v2/')).status
  }
  const storm = Promise.all(Array.from({ length: 300 }, (_, i) => guess(i)))
  const over = new AbortController()
  const guesses = storm.finally(() => over.abort())
  const waits: number[] = []
  for (let i = 0; !over.signal.aborted; i += 1) {
    const client = i % 2 === 0 ? ann : registryClient(stack.url)
    const startedMs = performance.now()
    const { status } = await client.send('GET', '/v2/public/app/manifests/1.0')
    waits.push(performance.now() - startedMs)
    expect(status).toBe(200)
  }
  const statuses = await guesses
  const compared = statuses.filter((status) => status === 401).length
  expect(compared).toBeLessThan(150)
  expect(statuses.filter((status) => status === 429)).toHaveLength(300 - compared)
  expect(waits.length).toBeGreaterThan(20)
  const slow = waits.toSorted((a, b) => a - b)
  expect(slow[Math.floor(waits.length / 2)]).toBeLessThan(100)
}, 60_000)
