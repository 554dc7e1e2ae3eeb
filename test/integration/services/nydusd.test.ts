import { request } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { expect, test } from '@jest/globals'
import { seededRandom } from '../../../lib/base/index.ts'
import { pushImage } from '../../contract/registry/running-registry.ts'
import { imageFixture } from '../../kit/image-fixture.ts'
import { type PassThroughLab, passThroughLab } from '../../kit/pass-through-lab.ts'

/** What nydusd sends an agent that is its `proxy`, as it was traced: through URLs of the registry, with marks. */

const image = imageFixture(seededRandom(72), [3_000_000])
const [layer] = image.layers
const { digest, bytes } = layer!
const size = bytes.length
const users = { alice: /^team\//, bob: /^bob\// }

const usual = { 'user-agent': 'nydusd/1.0.0', 'content-length': '0', accept: '*/*' }
const marks = (priority: 3 | 6) => ({
  'x-dragonfly-use-p2p': 'true',
  'x-dragonfly-priority': String(priority),
  'x-dragonfly-prefetch': String(priority === 3),
})

/** One request for a URL, at the agent. */
function ask({ topology, registry }: PassThroughLab, path: string, headers: Record<string, string>) {
  const { hostname, port } = new URL(topology.url('agent-1', 'registry'))
  const target = path === '/v2/' ? path : `http://${registry.host}${path}`
  return new Promise<{ status: number; headers: Record<string, unknown>; body: Buffer }>((resolve, reject) => {
    const sent = request({ hostname, port, path: target, headers: { host: registry.host, ...headers } }, (answer) => {
      buffer(answer).then((body) => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body }), reject)
    })
    sent.on('error', reject).end()
  })
}

test('a mount is served through the cluster, each client with its own rights; what it wants from the source comes from there', async () => {
  await using lab = await passThroughLab({
    users,
    overrides: (host) => [
      'agent.registry.default=none',
      `agent.registry.forward.hosts=${JSON.stringify([
        { host: '127.0.0.1', ports: [Number(host.split(':')[1])], inner: true, https: false },
      ])}`,
    ],
  })
  await pushImage(lab.registry.behind, 'team/app', image, ['v1'])
  const path = `/v2/team/app/blobs/${digest}`
  const read = async (first: number, last: number, more: Record<string, string>) => {
    const { status, headers, body } = await ask(lab, path, { ...usual, range: `bytes=${first}-${last}`, ...more })
    return { status, range: headers['content-range'], isRight: body.equals(bytes.subarray(first, last + 1)) }
  }
  const right = (first: number, last: number) => ({
    ...{ status: 206, range: `bytes ${first}-${last}/${size}`, isRight: true },
  })

  // Health: whatever it is that is asked for first, this is answered.
  expect((await ask(lab, '/v2/', { accept: '*/*' })).status).toBe(200)

  // The tail, without a login: the challenge of the registry, whose token server is asked past the proxy.
  const tail = { ...usual, range: `bytes=${size - 5674}-${size - 1}`, ...marks(6) }
  const challenge = await ask(lab, path, tail)
  expect(challenge.status).toBe(401)
  expect(challenge.headers['www-authenticate']).toMatch(new RegExp(`^Bearer realm="${lab.registry.tokens.realm}"`))
  const alice = { authorization: await lab.registry.tokenOf('alice', 'team/app') }
  expect(await read(size - 5674, size - 1, { ...marks(6), ...alice })).toEqual(right(size - 5674, size - 1))

  // Three that overlap at the same moment and end alike, while a prefetch of four takes all, and one streams the whole.
  const overlapping = [111_469, 86_697, 24_771].map((length) => [2_000_000 - length, 2_000_000 - 1] as const)
  const prefetched = [0, 750_000, 1_500_000, 2_250_000].map((first) => [first, first + 749_999] as const)
  const both = await Promise.all([
    ...overlapping.map(([first, last]) => read(first, last, { ...marks(6), ...alice })),
    ...prefetched.map(([first, last]) => read(first, last, { ...marks(3), ...alice })),
  ])
  expect(both).toEqual([...overlapping, ...prefetched].map(([first, last]) => right(first, last)))
  const whole = await ask(lab, path, { ...usual, ...marks(3), ...alice })
  expect([whole.status, whole.body.equals(bytes)]).toEqual([200, true])

  // Who may not read there gets the registry's answer, although all of it is here.
  const bob = { authorization: await lab.registry.tokenOf('bob', 'bob/app') }
  expect(await read(0, 99, { ...marks(6), ...bob })).toMatchObject({ status: 401, isRight: false })

  // Nothing of that has gone to the registry in the name of a client, but the questions whether it may.
  const byAlice = () =>
    lab.registry.seen.filter(({ authorization }) => authorization === alice.authorization).map(({ line }) => line)
  expect(new Set(byAlice())).toEqual(new Set([`HEAD ${path}`]))

  // Without the marks it is for the source.
  expect(await read(100, 199, alice)).toEqual(right(100, 199))
  expect(byAlice().at(-1)).toBe(`GET ${path}`)
  const count = (way: string) => lab.topology.counter('agent-1', 'shoal_forwards_total', `way="${way}",outcome="done"`)
  expect([await count('relay'), await count('mirror')]).toEqual([1, 11])
})
