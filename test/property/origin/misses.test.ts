import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { digestOf, parseRepository } from '../../../lib/core/index.ts'
import { cipherBytes } from '../../kit/cipher-bytes.ts'
import { clusterOf, someMembers } from '../../kit/cluster.ts'
import { type OriginLab, originLab } from '../../kit/origin-lab.ts'

const bytes = cipherBytes('pushed', 1_000)
const blob = { digest: digestOf(bytes), repository: parseRepository('team/app') }
const COUNT = 4

const origin = fc.integer({ min: 0, max: COUNT - 1 })
const members = someMembers(COUNT)
/** One origin is asked; or it takes just these others for dead. */
const event = fc.oneof(
  fc.record({ kind: fc.constantFrom('size' as const, 'ensure' as const), at: origin }),
  fc.record({ kind: fc.constant('sees' as const), at: origin, dead: fc.subarray([...members]) }),
)
type Event = typeof event extends fc.Arbitrary<infer T> ? T : never

const ask = async (lab: OriginLab, kind: 'size' | 'ensure', at: number): Promise<boolean> => {
  const { ingest } = lab.origins[at]!
  return (kind === 'size' ? ingest.size(blob) : ingest.ensure(blob, { hop: false })).then(
    () => true,
    () => false,
  )
}

async function happen(lab: OriginLab, one: Event): Promise<void> {
  if (one.kind !== 'sees') {
    await ask(lab, one.kind, one.at)
    return
  }
  const { cluster, id: self } = lab.origins[one.at]!
  for (const member of members.filter(({ id }) => id !== self)) {
    const outcome = one.dead.includes(member) ? 'failed' : 'ok'
    // Three failures take a member out.
    for (let i = 0; i < 3; i += 1) cluster.report(member.id, outcome)
  }
}

async function push(lab: OriginLab, at: number): Promise<void> {
  const { uploads } = lab.origins[at]!
  const { id } = await uploads.create('127.0.0.1')
  const body = (async function* () {
    yield bytes
  })()
  await uploads.append(id, body, { offset: 0 })
  await uploads.commit(id, blob)
}

test('in whatever order origins are asked and lose sight of each other: what is pushed is there at once', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(event, { maxLength: 8 }),
      origin,
      fc.array(event, { maxLength: 4 }),
      async (before, at, after) => {
        const lab = originLab({ count: COUNT, replicas: 2, clusterFor: () => clusterOf(members, { replicas: 2 }) })
        for (const { store } of lab.origins) await store.start()
        for (const one of before) await happen(lab, one)
        const { cluster } = lab.origins[at]!
        fc.pre(cluster.owners(blob.digest).every(({ id }) => cluster.isHealthy(id)))
        await push(lab, at)
        for (const one of after) {
          if (one.kind === 'sees') await happen(lab, one)
          else expect(await ask(lab, one.kind, one.at)).toBe(true)
        }
        for (let i = 0; i < COUNT; i += 1) {
          expect([i, await ask(lab, 'size', i), await ask(lab, 'ensure', i)]).toEqual([i, true, true])
        }
      },
    ),
    { numRuns: 500 },
  )
})
