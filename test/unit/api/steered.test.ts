import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { hashOfValues, liveSettings, noSteering, type SteeringVersion, steered } from '../../../lib/api/index.ts'
import { appError } from '../../../lib/base/index.ts'
import { recordingLogger, recordingMetrics } from '../../../lib/telemetry/index.ts'
import { tempFolder } from '../../kit/temp-folder.ts'

const version = (generation: number, term = 0): SteeringVersion => ({ term, generation, atMs: 1, by: 'a' })

/** A tracker service that is steered; a rate of 7 it cannot have. */
function service(folder: string) {
  const set: string[] = []
  const key = <T>(name: string, file: T) => ({
    file,
    set(value: T) {
      if (value === (7 as T)) throw appError('CONFIG_INVALID', { message: 'not seven' })
      set.push(`${name} ${String(value)}`)
    },
  })
  const live = liveSettings('tracker', {
    policy: key('policy', 'adaptive'),
    'announce.perSecond': key('perSecond', 100),
    'announce.minInterval': key('min', 5),
    'announce.maxInterval': key('max', 50),
  })
  const logger = recordingLogger()
  const it = steered({ live, logger, metrics: recordingMetrics() }, { folder })
  const hear = (tracker: string, generation: number, values: Record<string, unknown>, trackers = ['a', 'b']) => {
    const asked = it.report()
    const word = { version: version(generation), manager: 'm', hash: hashOfValues(values), values }
    it.hear(tracker, { asked, word }, trackers)
  }
  const now = () => Object.fromEntries(it.status.settings.map(({ key: name, live: value }) => [name, value]))
  return { it, set, logger, hear, now }
}

describe('a service that is steered', () => {
  test('takes a later generation from whichever tracker, and no earlier one', async () => {
    await using folder = await tempFolder('steered')
    const { it, hear, now } = service(folder.path)
    hear('a', 2, { policy: 'topology' })
    hear('b', 1, { policy: 'completeness' })
    expect(now()).toMatchObject({ policy: 'topology' })
    hear('b', 3, { 'announce.perSecond': 5 })
    expect(now()).toMatchObject({ policy: 'adaptive', 'announce.perSecond': 5 })
    expect(it.report()).toMatchObject({ version: version(3), state: 'applied', runs: 3 })
    await it.settled()
  })

  test('sets all or nothing, and reports why it could not', async () => {
    await using folder = await tempFolder('steered')
    const { it, hear, now, set } = service(folder.path)
    hear('a', 1, { policy: 'topology' })
    it.count('stalled')
    set.length = 0
    hear('a', 2, { policy: 'completeness', 'announce.perSecond': 7 })
    expect(set).toEqual(['policy completeness', 'policy topology'])
    expect(now()).toMatchObject({ policy: 'topology', 'announce.perSecond': 100 })
    const why = { state: 'failed', code: 'SETTING_INVALID', message: 'announce.perSecond: not seven', runs: 1 }
    expect(it.report()).toMatchObject({ version: version(2), ...why, health: { done: 0, failed: 0, stalled: 0 } })
    hear('a', 3, { 'announce.persecond': 5 })
    expect(it.report()).toMatchObject({ code: 'SETTING_UNKNOWN', runs: 1 })
    await it.settled()
    const next = service(folder.path)
    await next.it.load()
    expect([next.now(), next.it.report()]).toMatchObject([{ policy: 'topology' }, { runs: 1, state: 'applied' }])
  })

  test('takes the number of a generation that says the same for it', async () => {
    await using folder = await tempFolder('steered')
    const { it, hear, set } = service(folder.path)
    hear('a', 1, { policy: 'topology' })
    const asked = it.report()
    it.hear('a', { asked, word: { version: version(4), manager: 'm', hash: asked.hash } }, ['a'])
    expect([it.report().runs, set]).toEqual([4, ['policy topology']])
    await it.settled()
  })

  test('goes back only when all trackers have earlier ones, and one of them has some at all', async () => {
    await using folder = await tempFolder('steered')
    const { it, hear, now } = service(folder.path)
    hear('a', 9, { policy: 'topology' })
    const none = { version: noSteering, manager: '', hash: hashOfValues({}) }
    for (const tracker of ['a', 'b']) it.hear(tracker, { asked: it.report(), word: none }, ['a', 'b'])
    expect(it.report().version).toEqual(version(9))
    hear('a', 2, { policy: 'completeness' })
    expect(it.report().version).toEqual(noSteering)
    expect(now()).toMatchObject({ policy: 'topology' })
    hear('a', 2, { policy: 'completeness' })
    expect(now()).toMatchObject({ policy: 'completeness' })
    await it.settled()
  })

  test('says once that trackers have settings of different managers', async () => {
    await using folder = await tempFolder('steered')
    const { it, logger, hear } = service(folder.path)
    hear('a', 1, {})
    const word = { version: version(2), manager: 'other', hash: hashOfValues({}) }
    for (let i = 0; i < 2; i += 1) it.hear('b', { asked: it.report(), word }, ['a', 'b'])
    const said = logger.lines.filter(({ message }) => message.includes('different managers'))
    expect(said).toHaveLength(1)
    await it.settled()
  })

  test('starts with the config where what it kept cannot be read', async () => {
    await using folder = await tempFolder('steered')
    const { writeFile } = await import('node:fs/promises')
    await writeFile(join(folder.path, 'settings.json'), '{"version":')
    const { it, now, logger } = service(folder.path)
    await it.load()
    expect(now()).toMatchObject({ policy: 'adaptive' })
    expect(logger.lines.map(({ level }) => level)).toEqual(['warn'])
  })
})
