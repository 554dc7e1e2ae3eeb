import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import type { ControlEntry } from '../../../lib/api/index.ts'
import { fakeClock } from '../../../lib/base/index.ts'
import { recordingLogger } from '../../../lib/telemetry/index.ts'
import { control } from '../../../services/tracker/control/control.ts'
import { type ControlFile, controlFile } from '../../../services/tracker/control/control-file.ts'
import { tempFolder } from '../../kit/temp-folder.ts'

const PAGE = 1000
/** As in docs/limits.md: `MAX_MARKS`. */
const MAX_MARKS = 10_000

function memoryFile(first: readonly ControlEntry[] = []) {
  let kept = first
  const file: ControlFile = {
    load: () => Promise.resolve(kept),
    save: (entries) => {
      kept = entries
      return Promise.resolve()
    },
  }
  return { file, kept: () => kept }
}

function tracker(file: ControlFile, clock = fakeClock()) {
  const logger = recordingLogger()
  const defaults = { policy: 'adaptive', perSecond: 1, minMs: 1000, maxMs: 9000 } as const
  return { logger, clock, ...{ it: control({ clock, file, logger, onEvent: () => undefined, member: 'a' }, defaults) } }
}

const address = (number: number) => `10.${number >> 16}.${(number >> 8) & 255}.${number & 255}`

function ban(number: number, atMs: number, untilMs?: number): ControlEntry {
  const target = address(number)
  const mark = { target, reason: 'r', by: 'admin', atMs, ...(untilMs !== undefined && { untilMs }) }
  return { kind: 'ban', target, version: { atMs, by: 'b' }, mark }
}

const page = (first: number, make: (number: number) => ControlEntry, length = PAGE) =>
  Array.from({ length }, (_, i) => make(first + i))

describe('what admins have said', () => {
  test('fits as a whole: of two trackers with too many bans together, the one that learns keeps what has room, and starts again', async () => {
    const { file, kept } = memoryFile()
    const { it, clock } = tracker(file)
    const bans = (first: number, length?: number) => page(first, (number) => ban(number, clock.now()), length)
    await it.start()
    for (let first = 0; first < 9 * PAGE; first += PAGE) await it.learn(bans(first))
    await it.learn(bans(9 * PAGE, PAGE - 1))

    await expect(it.learn(bans(20_000))).rejects.toMatchObject({ code: 'CONTROL_FULL' })
    expect([it.marks('ban').length, kept().length]).toEqual([MAX_MARKS, MAX_MARKS])
    const again = tracker(file)
    await again.it.start()
    expect(again.it.marks('ban')).toEqual(it.marks('ban'))
    expect([again.it.words.hash, again.logger.lines]).toEqual([it.words.hash, []])
  })

  test('is checked for what admins have seen when what came before is kept', async () => {
    const { it } = tracker(memoryFile().file)
    await it.start()
    const seen = it.settings
    const unlessSeen = () => {
      if (it.settings !== seen) throw new Error('it has changed')
    }
    const said = await Promise.allSettled([it.set({ perSecond: 7 }, unlessSeen), it.set({ perSecond: 8 }, unlessSeen)])
    expect(said.map(({ status }) => status)).toEqual(['fulfilled', 'rejected'])
    expect(it.settings).toEqual({ perSecond: 7 })
  })

  test.each([
    ['lower', { minIntervalMs: 5_000 }, { maxIntervalMs: 3_000 }, { minMs: 1_000, maxMs: 3_000 }],
    ['higher', { maxIntervalMs: 4_000 }, { minIntervalMs: 6_000 }, { minMs: 6_000, maxMs: 9_000 }],
  ])('and contradicts a %s bound of a manager is left out alone', async (_, said, steered, now) => {
    const { it } = tracker(memoryFile().file)
    await it.start()
    await it.set({ policy: 'topology', perSecond: 7, ...said })
    it.steer(steered)
    expect(it.now).toEqual({ policy: 'topology', perSecond: 7, ...now })
    it.steer({})
    expect(it.settings).toEqual({ policy: 'topology', perSecond: 7, ...said })
  })

  test('fits when what makes room comes with it', async () => {
    const { it, clock } = tracker(memoryFile(page(0, (number) => ban(number, 1), MAX_MARKS)).file)
    await it.start()
    const end: ControlEntry = { kind: 'ban', target: address(0), version: { atMs: 2, by: 'b' } }
    await it.learn([end, ban(1, 2, clock.now() - 1), ban(20_000, 2), ban(20_001, 2)])
    expect(it.marks('ban')).toHaveLength(MAX_MARKS)
  })

  test('and no longer fits is left out at the start, with a line in the log, and what was said first stays', async () => {
    const settings: ControlEntry = {
      ...{ kind: 'settings', target: '', version: { atMs: 1, by: 'b' } },
      settings: { policy: 'of another version' },
    }
    const tooMany = page(0, (number) => ban(number, MAX_MARKS + 7 - number), MAX_MARKS + 5)
    const { it, logger } = tracker(memoryFile([settings, ...tooMany]).file)
    await it.start()
    expect(it.marks('ban')).toHaveLength(MAX_MARKS)
    expect(it.marks('ban').some(({ target }) => target === address(0))).toBe(false)
    expect(it.now.policy).toBe('adaptive')
    expect(logger.lines).toEqual([
      expect.objectContaining({ level: 'warn', fields: expect.objectContaining({ words: 6 }) }),
    ])
  })

  test('and has ended by itself is forgotten, as what was taken back is', async () => {
    const { file, kept } = memoryFile()
    const { it, clock } = tracker(file)
    await it.start()
    for (let first = 0; first < 15 * PAGE; first += PAGE) {
      await it.learn(page(first, (number) => ban(number, clock.now(), clock.now() + 60_000)))
      await clock.advance(120_000)
    }
    expect(it.marks('ban')).toEqual([])
    const words = [...it.words.behind('')]
    expect(words).toHaveLength(10 * PAGE)
    expect(words.map(({ target }) => target).toSorted()).toEqual(
      page(5 * PAGE, (number) => ban(number, 0), 10 * PAGE)
        .map(({ target }) => target)
        .toSorted(),
    )
    expect(kept().length).toBeLessThanOrEqual(11 * PAGE)
  })

  test('and is far too much in the file, because it has ended, does not keep a tracker from starting', async () => {
    await using folder = await tempFolder('control')
    const file = controlFile(join(folder.path, 'tracker'))
    await file.load()
    await file.save(page(0, (number) => ban(number, number, number + 1), 100_001))
    const { it, logger } = tracker(file)
    await it.start()
    expect([...it.words.behind('')]).toHaveLength(10 * PAGE)
    expect(logger.lines).toEqual([
      expect.objectContaining({ level: 'warn', fields: expect.objectContaining({ words: 90_001 }) }),
    ])
  })
})
