import { describe, expect, test } from '@jest/globals'
import { seededRandom } from '../../../lib/base/index.ts'
import { pushImage } from '../../contract/registry/running-registry.ts'
import { eventually } from '../../kit/eventually.ts'
import { hold, reset } from '../../kit/http-faults.ts'
import { imageFixture } from '../../kit/image-fixture.ts'
import { upstreamLab } from '../../kit/upstream-lab.ts'

const LAYERS = 20
const image = imageFixture(
  seededRandom(17),
  Array.from({ length: LAYERS }, () => 2_000),
)
const never = new Promise<void>(() => undefined)

/** All that a client asks a mirror for, one after the other; it has another host, so it goes on after each failure. */
const wanted = (query: string) => [
  ['HEAD', `/v2/team/app/manifests/v1${query}`] as const,
  ['GET', `/v2/team/app/manifests/${image.manifest.digest}${query}`] as const,
  ...[image.config, ...image.layers].map(({ digest }) => ['GET', `/v2/team/app/blobs/${digest}${query}`] as const),
]

/** Requests for something; probes of `/v2/` keep nobody waiting. */
const askedFor = (requests: readonly string[]) => requests.filter((request) => request !== 'GET /v2/').length

describe('an upstream to which the way is broken', () => {
  test.each([
    ['refuses', reset],
    ['hangs', () => hold(never)],
  ])('and that %s costs a pull of 20 layers one bounded wait', async (_, fault) => {
    await using lab = await upstreamLab()
    lab.front.faults.next({ times: Number.POSITIVE_INFINITY }, fault())
    const asked: number[] = []
    for (const [method, path] of wanted(`?ns=${lab.host}`)) {
      const answer = await lab.agent.send(method, path)
      asked.push(askedFor(lab.asked()))
      expect(answer.status).toBe(503)
      expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0)
      if (method === 'GET') {
        expect(answer.json()).toMatchObject({
          errors: [{ code: 'UNAVAILABLE', detail: { code: 'UPSTREAM_UNREACHABLE' } }],
        })
      }
    }
    // Who is not asked is not waited for.
    expect(asked[0]).toBeGreaterThan(0)
    expect(new Set(asked).size).toBe(1)
  })

  test.each([
    ['an origin', []],
    ['a build-index', [['HEAD', '/v2/team/app/manifests/v2'] as const]],
  ])(
    'and whose manifest is cached is found out by %s, for all others; they ask again when it is back',
    async (_, first) => {
      await using lab = await upstreamLab({ fresh: '1h', rule: { wait: '1s' } })
      await pushImage(lab.upstream, 'team/app', image, ['v1'])
      const [head, manifest, ...blobs] = wanted(`?ns=${lab.host}`)
      for (const [method, path] of [head!, manifest!]) expect((await lab.agent.send(method, path)).status).toBe(200)
      const fault = lab.front.faults.next({ times: Number.POSITIVE_INFINITY }, hold(never))
      const ask = async ([method, path]: readonly ['HEAD' | 'GET', string]) =>
        (await lab.agent.send(method, path)).status
      const asked: number[] = []
      for (const each of [...first.map(([method, path]) => [method, `${path}?ns=${lab.host}`] as const), ...blobs]) {
        expect(await ask(each)).toBe(503)
        asked.push(askedFor(lab.asked()))
      }
      expect(new Set(asked).size).toBe(1)
      fault.cancel()
      await eventually(async () => {
        for (const blob of blobs) if ((await ask(blob)) !== 200) throw new Error('not back yet')
      })
    },
  )
})
