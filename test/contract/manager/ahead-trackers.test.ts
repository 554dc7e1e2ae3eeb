import { describe, expect, test } from '@jest/globals'
import { fakeClock } from '../../../lib/base/index.ts'
import { eachManagerDatabase, type MadeDatabase } from '../../kit/manager/databases.ts'
import { settingsLab } from '../../kit/manager/settings-lab.ts'
import { simulatedFleet } from '../../kit/manager/simulated-fleet.ts'

const SECOND = 1000
const all = { count: 1000, last: undefined }
const lost = { id: 'v1', generation: 1, kind: 'agent', scope: { all: true as const }, values: { log: 'info' } }

/** A roll-out to the hosts of `near`, beside `far`, whose trackers have settings that nobody knows. */
async function besideFar(made: MadeDatabase, scope: string) {
  const clock = fakeClock()
  const lab = settingsLab(made, clock)
  await lab.identity.start()
  const fleet = simulatedFleet({ clock, clusters: { near: 4, far: 0 }, trackers: 1 })
  await lab.set({ log: 'info' }, { scope })
  const { rollout } = await lab.set({ log: 'debug' }, { scope, steps: [{ percent: 100 }] })
  const { id: manager } = lab.identity
  const holds = (generation: number) => fleet.hold('far-tracker-0', { manager, generation, layers: [lost] })
  return {
    ...{ ...lab, fleet, holds },
    /** Says that it has a generation that the database has never given. */
    claims: async () => {
      const { value } = await made.database.read.selectFrom('settingCounter').select('value').executeTakeFirstOrThrow()
      holds(value + 1)
    },
    pass: async (seconds: number, each: () => void | Promise<void> = () => undefined) => {
      for (let i = 0; i < seconds; i += 10) {
        await each()
        await lab.round(fleet)
        clock.stall(10 * SECOND)
        fleet.live(5)
      }
    },
    state: async () => {
      const { progress } = await lab.rollouts.rollout(rollout.id)
      return progress.state
    },
    resume: () => lab.rollouts.act(rollout.id, { act: 'resume', actor: 'ada', reason: 'it is well' }),
    pauses: async () => {
      const { rows } = await lab.rollouts.events(rollout.id, all)
      return rows.filter(({ act }) => act === 'pause').length
    },
  }
}

eachManagerDatabase((open) => {
  describe('a tracker with settings that the database does not know', () => {
    test('holds up no other cluster while it cannot let go of them, and lets go when it can', async () => {
      await using made = await open()
      const { fleet, holds, pass, state } = await besideFar(made, 'cluster:near')
      holds(1)
      fleet.full.add('far-tracker-0')
      await pass(300)
      expect(await state()).toBe('done')
      expect(fleet.held.get('far-tracker-0')).toMatchObject({ layers: [lost] })
      fleet.full.clear()
      await pass(10)
      expect(fleet.held.get('far-tracker-0')).toMatchObject({ layers: [] })
    })

    test('changes nothing of what others have when nothing is wanted for its cluster', async () => {
      await using made = await open()
      const { claims, fleet, pass, store, state } = await besideFar(made, 'cluster:near')
      await pass(20)
      const before = await store.wanted()
      await claims()
      await pass(10)
      expect(fleet.held.get('far-tracker-0')).toMatchObject({ layers: [] })
      expect(await store.wanted()).toEqual(before)
      // The database is an older copy all the same.
      expect(await state()).toBe('paused')
    })

    test.each(['all', 'cluster:near'])('is not followed again and again, with settings for %s', async (scope) => {
      await using made = await open()
      const { claims, fleet, pass, state, pauses, resume, metrics } = await besideFar(made, scope)
      fleet.full.add('far-tracker-0')
      await pass(10, claims)
      expect(await state()).toBe('paused')
      await resume()
      await pass(50, claims)
      expect(await state()).toBe('running')
      expect(await pauses()).toBe(1)
      expect(metrics.value('shoal_manager_trackers', { state: 'refused' })).toBe(1)
      // It may be right: now and then it is followed, less often each time.
      await pass(10, claims)
      await claims()
      await pass(10)
      expect(await pauses()).toBe(2)
      await resume()
      await pass(110, claims)
      expect(await pauses()).toBe(2)
    })
  })
})
