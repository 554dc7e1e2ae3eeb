import { beforeEach, describe, expect, test } from '@jest/globals'
import { type Backend, memoryBackend } from '../../../../lib/backend/index.ts'
import { type FakeClock, fakeClock, hasCode } from '../../../../lib/base/index.ts'
import { parseTag } from '../../../../lib/core/index.ts'
import { interleaved, schedulesOf } from '../../../kit/interleaved.ts'
import { app, manifestLab, manifestOf, olderThanMs, signatureOf } from '../../../kit/manifest-lab.ts'

const image = manifestOf('image')
const index = manifestOf('index', [image])
const other = manifestOf('other')

let clock: FakeClock
let backend: Backend
let lab: ReturnType<typeof manifestLab>

beforeEach(() => {
  clock = fakeClock()
  backend = memoryBackend()
  lab = manifestLab({ clock, backend })
})

describe('a manifest that no tag needs', () => {
  test('goes when nothing has needed it for long enough, and with it what it alone names', async () => {
    await lab.push(image)
    await lab.push(index, { tag: 'v1', names: [image] })
    await lab.push(other, { tag: 'v1' })
    expect(await lab.look()).toEqual({ condemned: 2, removed: 0, spared: 0 })
    await clock.advance(olderThanMs - 1)
    expect(await lab.look()).toEqual({ condemned: 0, removed: 0, spared: 0 })
    await clock.advance(1)
    expect(await lab.look({ dryRun: true })).toEqual({ condemned: 0, removed: 2, spared: 0 })
    expect(await lab.linked([index, image, other])).toEqual([true, true, true])
    expect(await lab.look()).toEqual({ condemned: 0, removed: 2, spared: 0 })
    expect(await lab.linked([index, image, other])).toEqual([false, false, true])
  })

  test.each([
    ['asks for it', () => lab.index.getManifest(app, index.descriptor.digest)],
    ['pushes it again', () => lab.push(index, { names: [image] })],
    ['tags it', () => lab.push(index, { tag: 'again', names: [image] })],
  ])('stays when somebody %s, with all that it names', async (_, use) => {
    await lab.push(image)
    await lab.push(index, { names: [image] })
    await lab.look()
    await clock.advance(olderThanMs)
    await use()
    expect((await lab.look()).removed).toBe(0)
    expect(await lab.linked([index, image])).toEqual([true, true])
  })

  test('that is needed for a while is counted anew afterwards', async () => {
    await lab.push(image)
    await lab.look()
    await lab.index.putTag(app, parseTag('for-a-while'), { descriptor: image.descriptor })
    await clock.advance(olderThanMs)
    await lab.look()
    await lab.index.deleteTag(app, parseTag('for-a-while'))
    expect(await lab.look()).toEqual({ condemned: 1, removed: 0, spared: 0 })
  })

  test('stays while it is pinned at an origin', async () => {
    await lab.push(image)
    await lab.look()
    await clock.advance(olderThanMs)
    lab.held.add(image.descriptor.digest)
    expect(await lab.look()).toMatchObject({ removed: 0 })
    lab.held.clear()
    expect(await lab.look()).toMatchObject({ removed: 1 })
  })

  test('takes what refers to it along, and its signatures with their names', async () => {
    const [signature, report] = [manifestOf('signature'), manifestOf('report', [], image)]
    await lab.push(image, { tag: 'v1' })
    await lab.push(report, { subject: image })
    await lab.push(signature, { tag: signatureOf(image) })
    await lab.look()
    await clock.advance(olderThanMs)
    expect(await lab.look()).toEqual({ condemned: 0, removed: 0, spared: 0 })
    await lab.index.deleteTag(app, parseTag('v1'))
    expect(await lab.look()).toEqual({ condemned: 3, removed: 0, spared: 0 })
    await clock.advance(olderThanMs)
    expect(await lab.look()).toEqual({ condemned: 0, removed: 3, spared: 0 })
    expect([await lab.linked([image, report, signature]), await lab.tags(), await lab.listed(image)]).toEqual([
      [false, false, false],
      [],
      [],
    ])
  })

  test('one that cannot be read keeps all of its repository', async () => {
    await lab.push(image)
    await lab.push(other)
    await lab.look()
    await clock.advance(olderThanMs)
    lab.bytes.delete(other.descriptor.digest)
    await expect(lab.look()).rejects.toMatchObject({ code: 'MANIFEST_UNKNOWN' })
    expect(await lab.linked([image])).toEqual([true])
  })
})

/** Something that is pushed while a look removes what nothing needed; bits say whose call of the backend is next. */
const races: readonly (readonly [
  string,
  { before: (l: typeof lab) => Promise<unknown>; push: (l: typeof lab) => Promise<boolean> },
])[] = [
  [
    'a tag for it',
    {
      before: (to) => to.push(image),
      push: (to) => to.push(image, { tag: 'again' }),
    },
  ],
  [
    'an index that names it',
    {
      before: (to) => to.push(image),
      push: (to) => to.push(index, { tag: 'again', names: [image] }),
    },
  ],
  [
    'a tag for the index that names it, which goes too',
    {
      before: async (to) => [await to.push(image), await to.push(index, { names: [image] })],
      push: (to) => to.push(index, { tag: 'again', names: [image] }),
    },
  ],
]

test.each(races)('%s, while it is removed: what was acknowledged is whole', async (_, { before, push }) => {
  const seen = new Set<string>()
  for (const schedule of schedulesOf(6)) {
    const [time, place] = [fakeClock(), memoryBackend()]
    const here = manifestLab({ clock: time, backend: place })
    await before(here)
    await here.look()
    await time.advance(olderThanMs)
    const at = (stepped: Backend) => manifestLab({ clock: time, backend: stepped, bytes: here.bytes })
    const [pushed, looked] = await interleaved(
      { clock: time, backend: place },
      { first: (stepped) => push(at(stepped)), second: (stepped) => at(stepped).look() },
      schedule,
    )
    if (pushed.status === 'rejected') throw pushed.reason
    if (looked.status === 'rejected' && !hasCode(looked.reason, 'UNAVAILABLE')) throw looked.reason
    const target = await here.index.getTag(app, parseTag('again'))
    const needed = target?.digest === index.descriptor.digest ? [index, image] : [image]
    const isWhole = !pushed.value || (await here.linked(needed)).every(Boolean)
    expect({ schedule, isWhole }).toEqual({ schedule, isWhole: true })
    seen.add(
      `${String(pushed.value)} ${looked.status === 'fulfilled' && (looked.value as { removed: number }).removed}`,
    )
  }
  // Else the schedules have shown nothing.
  expect([...seen].some((each) => each.startsWith('true'))).toBe(true)
  expect([...seen].some((each) => /[12]$/.test(each))).toBe(true)
})

test('a signature that is set again while it goes with what it signs stays', async () => {
  const signature = manifestOf('signature')
  await lab.push(image)
  await lab.push(signature, { tag: signatureOf(image) })
  await lab.look()
  await clock.advance(olderThanMs)
  const { tags } = lab.parts
  const racing = manifestLab({ clock, backend, bytes: lab.bytes })
  const look = racing.lookWith({
    tags: {
      read: (...args) => tags.read(...args),
      async delete(...args) {
        await lab.push(signature, { tag: signatureOf(image) })
        return tags.delete(...args)
      },
    },
  })
  expect(await look).toEqual({ condemned: 0, removed: 1, spared: 1 })
  expect([await lab.linked([image, signature]), await lab.tags()]).toEqual([[false, true], [signatureOf(image)]])
})

test('what refers to a manifest is listed again when it was asked for while it was removed', async () => {
  const report = manifestOf('report', [], image)
  await lab.push(image)
  await lab.push(report, { subject: image })
  await lab.look()
  await clock.advance(olderThanMs)
  const racing = manifestLab({ clock, backend, bytes: lab.bytes })
  await racing.lookWith({
    backend: {
      ...backend,
      async delete(key, options) {
        await backend.delete(key, options)
        if (key.includes('_referrers')) await lab.index.getManifest(app, report.descriptor.digest)
      },
    },
  })
  expect([await lab.linked([report]), await lab.listed(image)]).toEqual([[true], [report.descriptor.digest]])
})

test('an index that is asked for after it was judged keeps what it names', async () => {
  await lab.push(image)
  await lab.push(index, { names: [image] })
  await lab.look()
  await clock.advance(olderThanMs)
  const held = async () => {
    await lab.index.getManifest(app, index.descriptor.digest)
    return []
  }
  expect(await lab.lookWith({ stored: { held } })).toEqual({ condemned: 0, removed: 0, spared: 2 })
  expect(await lab.linked([index, image])).toEqual([true, true])
})
