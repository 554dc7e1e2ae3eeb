import { expect, test } from '@jest/globals'
import { type Backend, memoryBackend } from '../../../../lib/backend/index.ts'
import { type FakeClock, fakeClock, hasCode, seededRandom, tokenBucket } from '../../../../lib/base/index.ts'
import { digestOf, parseRepository } from '../../../../lib/core/index.ts'
import { catalog } from '../../../../services/build-index/catalog.ts'
import { cleanLinks } from '../../../../services/build-index/garbage/clean-links.ts'
import { GarbageRun, newRun } from '../../../../services/build-index/garbage/garbage-run.ts'
import { indexKey } from '../../../../services/build-index/index-keys.ts'
import { interleaved, schedulesOf } from '../../../kit/interleaved.ts'
import { localIndex } from '../../../kit/local-index.ts'

const app = parseRepository('team/app')
const graceMs = 3_600_000
const layer = digestOf(Buffer.from('layer'))
const manifest = Buffer.from(JSON.stringify({ layers: [{ digest: layer }] }))
const descriptor = { digest: digestOf(manifest), mediaType: 'application/x', size: manifest.length }

/** Looks at the links of the repository once. */
async function look(clock: FakeClock, backend: Backend): Promise<number> {
  const random = seededRandom(7)
  const { records, tags } = localIndex({ backend, clock, random })
  const run = new GarbageRun({ records, clock }, newRun({ id: 'r', dryRun: false, graceMs }, clock.now()))
  const parts = { backend, records, clock, random, catalog: catalog({ backend, tags }) }
  const pace = tokenBucket(clock, { ratePerSecond: undefined })
  await cleanLinks({ ...parts, pace, readManifest: async () => manifest }, run, app, {})
  return run.report.counts.linksRemoved
}

/** Pushes a manifest of a layer that is linked, or fails as a proxy does. Resolves to whether it was acknowledged. */
async function push(clock: FakeClock, backend: Backend, { again }: { readonly again: boolean }): Promise<boolean> {
  const { index } = localIndex({ backend, clock, random: seededRandom(8) })
  if (again) await index.putBlob(app, { digest: layer, size: 5 })
  else if ((await index.getBlob(app, layer)) === undefined) return false
  await index.putManifest(app, descriptor)
  return true
}

async function linked(): Promise<{ readonly clock: FakeClock; readonly backend: Backend }> {
  const [clock, backend] = [fakeClock(), memoryBackend()]
  await localIndex({ backend, clock, random: seededRandom(6) }).index.putBlob(app, { digest: layer, size: 5 })
  return { clock, backend }
}

const schedules = schedulesOf(8)

test.each([
  ['relies on its link', false],
  ['links it again', true],
])('a look takes the link of a layer while a push %s: what was acknowledged is linked', async (_, again) => {
  const seen = new Set<string>()
  for (const schedule of schedules) {
    const { clock, backend } = await linked()
    await look(clock, backend)
    await clock.advance(graceMs)
    const [pushed, looked] = await interleaved(
      { clock, backend },
      { first: (place) => push(clock, place, { again }), second: (place) => look(clock, place) },
      schedule,
    )
    const isAcknowledged = pushed.status === 'fulfilled' && pushed.value === true
    const isLinked = (await backend.stat(indexKey(app, { kind: 'blob', digest: layer }))) !== undefined
    expect({ schedule, isLinked }).toEqual({ schedule, isLinked: isAcknowledged })
    if (looked.status === 'rejected' && !hasCode(looked.reason, 'UNAVAILABLE')) throw looked.reason
    seen.add(`${isAcknowledged} ${looked.status === 'fulfilled' ? String(looked.value) : 'failed'}`)
  }
  // Else the schedules have shown nothing.
  expect([...seen]).toEqual(expect.arrayContaining(again ? ['true 0', 'true 1'] : ['true 0', 'false 1']))
})

test('a look condemns the link of a layer while a push relies on it: the next look sees its manifest', async () => {
  for (const schedule of schedules) {
    const { clock, backend } = await linked()
    await interleaved(
      { clock, backend },
      { first: (place) => push(clock, place, { again: false }), second: (place) => look(clock, place) },
      schedule,
    )
    await clock.advance(graceMs)
    await look(clock, backend)
    const isLinked = (await backend.stat(indexKey(app, { kind: 'blob', digest: layer }))) !== undefined
    expect({ schedule, isLinked }).toEqual({ schedule, isLinked: true })
  }
})
