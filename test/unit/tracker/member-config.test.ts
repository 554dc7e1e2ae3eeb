import { describe, expect, test } from '@jest/globals'
import { loadConfig } from '../../../lib/config/index.ts'
import { trackerSchema } from '../../../services/tracker/config.ts'

const members = (...ids: readonly string[]) => ({
  members: ids.map((id, i) => ({ id, url: `http://127.0.0.1:${63001 + i}` })),
})
const load = (config: object) =>
  loadConfig(trackerSchema, {
    overrides: Object.entries(config).map(([key, value]) => `${key}=${JSON.stringify(value)}`),
  })

describe('the member that a tracker is', () => {
  test.each([
    ['tracker-1, when the config says nothing', {}, 'tracker-1'],
    ['the only one', { trackers: members('east') }, 'east'],
    ['the one that it names', { member: 'west', trackers: members('east', 'west') }, 'west'],
  ])('is %s', async (_what, config, member) => {
    expect((await load(config)).member).toBe(member)
  })

  test.each([
    ['not named, of several', { trackers: members('tracker-1', 'tracker-2') }, 'tracker-1, tracker-2'],
    ['not among them', { member: 'tracker-3', trackers: members('tracker-1', 'tracker-2') }, 'tracker-1, tracker-2'],
    ['not the only one', { member: 'tracker-2' }, 'tracker-1'],
  ])('is refused when it is %s', async (_what, config, known) => {
    await expect(load(config)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(`trackers.members that this tracker is, one of: ${known}\\n.*at member$`),
    })
  })
})
