import { buffer } from 'node:stream/consumers'
import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { backendRulesSchema, openBackends } from '../../../lib/backend/index.ts'
import { seededRandom, systemClock } from '../../../lib/base/index.ts'
import { digestOf, parseRepository, pieceLengthFor } from '../../../lib/core/index.ts'
import { silentLogger, silentMetrics } from '../../../lib/telemetry/index.ts'
import { cipherBytes } from '../../kit/cipher-bytes.ts'
import { originLab } from '../../kit/origin-lab.ts'
import { type RangedObject, rangedServer } from '../../kit/ranged-server.ts'
import { resourceStack } from '../../kit/resource-stack.ts'
import { readBlob } from '../../kit/store-fixture.ts'

const MIB = 1024 * 1024
const content = cipherBytes('right', 9 * MIB + 99)
const wrong = cipherBytes('wrong', content.length)
const blob = { digest: digestOf(content), repository: parseRepository('team/app') }
const ask = { hop: false } as const
/** Reads of the backend at a time, at most. */
const MOST_READS = 6

/** What a server does next, in the middle of a blob. */
const whims = {
  expire: (web: RangedObject) => web.expire(),
  redirect: (web: RangedObject) => Object.assign(web, { redirects: !web.redirects }),
  ignoreRanges: (web: RangedObject) => Object.assign(web, { ignoresRanges: !web.ignoresRanges }),
  ignoreConditions: (web: RangedObject) => Object.assign(web, { ignoresConditions: !web.ignoresConditions }),
  replace: (web: RangedObject) => Object.assign(web, { content: web.content === content ? wrong : content }),
  cut: (web: RangedObject) => web.cutNext(100_000),
  fail: (web: RangedObject) => web.refuseNext(500),
  refuse: (web: RangedObject) => web.refuseNext(403),
}
const step = fc.record({
  whim: fc.constantFrom(...(Object.keys(whims) as (keyof typeof whims)[])),
  start: fc.integer({ min: 0, max: content.length - 1 }),
})
const world = fc.record({
  driver: fc.constantFrom('http', 'registry'),
  redirects: fc.boolean(),
  steps: fc.array(step, { maxLength: 6 }),
})
type World = typeof world extends fc.Arbitrary<infer W> ? W : never

async function holds({ driver, redirects, steps }: World): Promise<void> {
  const stack = resourceStack()
  try {
    const { url, web } = stack.own(await rangedServer(content))
    Object.assign(web, { redirects })
    const place = driver === 'http' ? { url: `${url}/{key}` } : { url, mode: 'read-only' }
    const rules = backendRulesSchema.parse([
      { repository: '*', backend: { driver, ...place, limits: { attempts: 1 } } },
    ])
    const runtime = { clock: systemClock(), random: seededRandom(5), logger: silentLogger(), metrics: silentMetrics() }
    const backends = openBackends(runtime, rules)
    await backends.start()
    stack.own({ [Symbol.asyncDispose]: () => backends.stop() })
    const lab = originLab({ count: 1, replicas: 1, wrapBackend: () => backends.backendFor(blob.repository) })
    const { store, ingest, received } = lab.origins[0]!
    await store.start()
    let failures = 0
    const done = async (work: Promise<unknown>) => {
      const over = work.then(
        () => true,
        () => {
          failures += 1
          return false
        },
      )
      const moment = () => lab.clock.advance(1_000).then(() => 'moment' as const)
      for (;;) {
        const now = await Promise.race([over, moment()])
        if (now !== 'moment') return now
      }
    }
    for (const { whim, start } of steps) {
      const range = { start, end: Math.min(content.length, start + 1000) }
      await done(ingest.open(blob, ask).then(async ({ read }) => buffer(await read(range, { standsAlone: true }))))
      whims[whim](web)
    }
    // A server that has the right content is read in the end, whatever it was before.
    Object.assign(web, { content, redirects: false })
    for (let tries = 0; !(await done(ingest.ensure(blob, ask))); tries += 1) {
      await lab.clock.advance(3_600_000)
      expect(tries).toBeLessThan(10)
    }
    expect(Buffer.compare(await readBlob(store, blob.digest), content)).toBe(0)
    // Nothing was put together wrongly and brought again; a run that fails loses two pieces of each of its reads.
    if (steps.some(({ whim }) => whim === 'replace')) return
    const lost = failures * MOST_READS * 2 * pieceLengthFor(content.length)
    expect(received.backend).toBeLessThanOrEqual(content.length + lost + steps.length * pieceLengthFor(content.length))
  } finally {
    await stack[Symbol.asyncDispose]()
  }
}

test('a web server or registry that changes in the middle of a blob costs an error or a read, never a wrong blob', async () => {
  await fc.assert(fc.asyncProperty(world, holds), { numRuns: 8 })
})
