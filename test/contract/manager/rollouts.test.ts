import { describe, expect, test } from '@jest/globals'
import { fakeClock } from '../../../lib/base/index.ts'
import { lookAtTrackers } from '../../../services/manager/settings/push.ts'
import { scopeText } from '../../../services/manager/settings/scope.ts'
import { eachManagerDatabase, type MadeDatabase } from '../../kit/manager/databases.ts'
import { type SetInit, settingsLab } from '../../kit/manager/settings-lab.ts'
import { type FleetInit, simulatedFleet } from '../../kit/manager/simulated-fleet.ts'

const SECOND = 1000
const good = { 'limits.download': '20MB/s' }
const bad = { 'limits.download': '1B/s' }
const isBad = (values: object) => JSON.stringify(values) === JSON.stringify(bad)
const all = { count: 1000, last: undefined }

/** A manager with 20 hosts that have good settings, and others that are being rolled out to them. */
async function rollingOut(made: MadeDatabase, fleetInit: Partial<FleetInit>, setInit: SetInit = {}) {
  const clock = fakeClock()
  const lab = settingsLab(made, clock)
  await lab.identity.start()
  const fleet = simulatedFleet({ clock, clusters: { near: 20 }, ...fleetInit })
  await lab.set(good)
  await lab.round(fleet)
  fleet.live(5)
  const { rollout } = await lab.set(bad, { steps: [{ hosts: 1 }, { percent: 50 }, { percent: 100 }], ...setInit })
  return {
    ...{ ...lab, fleet, id: rollout.id },
    having: (values: object) => fleet.hosts.filter((host) => JSON.stringify(host.values) === JSON.stringify(values)),
    /** Time passes: hosts hear of their settings and pull, and the manager looks. `work` stands for a manager. */
    pass: async (seconds: number, { pulls = 1, work = lab }: { pulls?: number; work?: typeof lab } = {}) => {
      for (let i = 0; i < seconds; i += 10) {
        await work.round(fleet)
        clock.stall(10 * SECOND)
        fleet.live(pulls)
      }
      await work.round(fleet)
    },
    state: async () => {
      const { progress } = await lab.rollouts.rollout(rollout.id)
      return progress
    },
    acts: async () => {
      const { rows } = await lab.rollouts.events(rollout.id, all)
      return rows.map(({ act }) => act)
    },
  }
}

eachManagerDatabase((open) => {
  describe('a roll-out', () => {
    test('goes from one host to half of them to all, each step when the one before has soaked', async () => {
      await using made = await open()
      const { pass, having, state, acts, wantedVersion } = withWanted(await rollingOut(made, {}))
      await pass(30)
      expect(having(bad)).toHaveLength(1)
      await pass(90)
      expect(having(bad)).toHaveLength(10)
      expect(new Set(having(bad).map(({ zone }) => zone)).size).toBe(2)
      await pass(600)
      expect(having(bad)).toHaveLength(20)
      expect(await state()).toMatchObject({ state: 'done' })
      expect(await acts()).toEqual(['begin', 'step', 'step', 'step', 'done'])
      expect(await wantedVersion()).toEqual(bad)
    })

    test('of settings that hosts refuse halts and takes itself back, and nobody else is told', async () => {
      await using made = await open()
      const { pass, having, state, acts, fleet } = await rollingOut(made, { refuses: isBad }, tenOfTwenty)
      await pass(20)
      expect(await state()).toMatchObject({ halt: 'HOSTS_REFUSE' })
      await pass(20)
      expect(await state()).toMatchObject({ state: 'rolledBack' })
      expect(having(good)).toHaveLength(20)
      expect(fleet.hosts.every((host) => host.state === 'applied')).toBe(true)
      expect(await acts()).toEqual(['begin', 'step', 'halt', 'rollBack', 'rolledBack'])
    })

    test.each(['failed', 'stalled'] as const)('of settings under which pulls have %s halts', async (end) => {
      await using made = await open()
      const pull: FleetInit['pull'] = (values) => (isBad(values) ? end : 'done')
      const { pass, having, state, rollouts, id } = await rollingOut(made, { pull }, tenOfTwenty)
      await pass(60)
      expect(await state()).toMatchObject({ state: 'rolledBack', halt: 'HEALTH_WORSE' })
      expect(having(good)).toHaveLength(20)
      const halt = (await rollouts.events(id, all)).rows.find(({ act }) => act === 'halt')
      expect(halt?.look).toMatchObject({ hosts: 10, comparison: 'worse', others: { errors: 0 } })
    })

    test('is not judged by what hosts counted before for which it changes nothing', async () => {
      await using made = await open()
      const lab = settingsLab(made)
      await lab.identity.start()
      const broken = { fails: true }
      const pull = (_: object, host: string) => (broken.fails && host === 'near-host-0' ? 'failed' : 'done')
      const fleet = simulatedFleet({ clock: lab.clock, clusters: { near: 4 }, zones: 4, pull })
      await lab.set(good, { scope: 'zone:zone-0' })
      await lab.round(fleet)
      fleet.live(30)
      broken.fails = false
      const { rollout } = await lab.set(bad, { steps: [{ percent: 100 }] })
      for (let i = 0; i < 3; i += 1) {
        await lab.round(fleet)
        fleet.live(10)
      }
      await lab.round(fleet)
      expect((await lab.rollouts.rollout(rollout.id)).progress).toMatchObject({ state: 'running', isSettled: true })
      const [step] = await lab.rollouts.steps(rollout.id)
      expect(step?.look).toMatchObject({ hosts: 4, those: { errors: 0, pulls: expect.any(Number) } })
      expect(step?.look?.those.pulls).toBeGreaterThan(60)
    })

    test('watches hosts that nobody knew when its step began', async () => {
      await using made = await open()
      const pull: FleetInit['pull'] = (values) => (isBad(values) ? 'failed' : 'done')
      const { pass, fleet, round, state, rollouts, id } = await rollingOut(
        made,
        { pull },
        { steps: [{ percent: 100 }], minPulls: 200, soakSeconds: 30 },
      )
      const late = fleet.hosts.slice(2)
      for (const host of late) fleet.unknown.add(host.id)
      await round(fleet)
      fleet.unknown.clear()
      await round(fleet)
      const before = await rollouts.steps(id)
      expect(before[0]?.look).toMatchObject({ hosts: 20, behind: 20 })
      await pass(20)
      expect((await rollouts.steps(id))[0]?.look).toMatchObject({ hosts: 20, behind: 0 })
      await pass(120)
      expect(await state()).toMatchObject({ halt: 'HEALTH_WORSE' })
    })

    test('is not held up by a host that comes while it soaks', async () => {
      await using made = await open()
      const { pass, fleet, state } = await rollingOut(made, { clusters: { near: 40 } }, { steps: [{ percent: 100 }] })
      fleet.unknown.add('near-host-0')
      await pass(20)
      expect(await state()).toMatchObject({ isSettled: true })
      const host = fleet.hosts[0]!
      Object.assign(host, { values: {}, hash: 'new', generation: 0 })
      fleet.unknown.clear()
      const { sinceMs } = await state()
      await pass(20)
      expect(await state()).toMatchObject({ isSettled: true, sinceMs })
    })

    test('keeps what hosts have after a halt when its plan says so', async () => {
      await using made = await open()
      const { pass, having, state } = await rollingOut(made, { refuses: isBad }, { ...tenOfTwenty, rollBack: false })
      await pass(120)
      expect(await state()).toMatchObject({ state: 'halted', step: 0 })
      expect(having(good)).toHaveLength(20)
    })

    test('does not go on by what too few pulls say', async () => {
      await using made = await open()
      const { pass, having, state } = await rollingOut(made, {})
      await pass(200, { pulls: 0 })
      expect(await state()).toMatchObject({ state: 'running', step: 0, isSettled: true })
      expect(having(bad)).toHaveLength(1)
    })

    test('halts when hosts that have it are gone', async () => {
      await using made = await open()
      const { pass, having, state } = await rollingOut(made, {}, { rollBack: false })
      await pass(20)
      for (const host of having(bad)) host.away = true
      await pass(300)
      expect(await state()).toMatchObject({ state: 'halted', halt: 'HOSTS_GONE' })
    })

    test('does not count hosts as gone that came while it was under way', async () => {
      await using made = await open()
      const { pass, fleet, state, rollouts, id } = await rollingOut(made, {}, { steps: [{ percent: 100 }] })
      const late = fleet.hosts.slice(0, 3)
      for (const host of late) fleet.unknown.add(host.id)
      await pass(20)
      fleet.unknown.clear()
      await pass(20)
      expect((await rollouts.steps(id))[0]?.look).toMatchObject({ hosts: 20, gone: 0 })
      const { sinceMs } = await state()
      for (const host of late) host.away = true
      await pass(10)
      expect(await state()).toMatchObject({ isSettled: true, sinceMs })
      expect((await rollouts.steps(id))[0]?.look).toMatchObject({ hosts: 17, behind: 0, gone: 0 })
      await pass(300)
      expect(await state()).toMatchObject({ state: 'done' })
    })

    test('waits while no tracker answers, and goes on afterwards', async () => {
      await using made = await open()
      const { pass, having, state, fleet } = await rollingOut(made, {})
      await pass(30)
      for (const name of fleet.held.keys()) fleet.silent.add(name)
      await pass(600)
      expect(await state()).toMatchObject({ state: 'running', step: 0 })
      fleet.silent.clear()
      await pass(300)
      expect(having(bad).length).toBeGreaterThanOrEqual(10)
    })

    test('is taken back only when the cluster is seen again whose hosts have it', async () => {
      await using made = await open()
      const { pass, having, state, fleet, rollouts, id } = await rollingOut(made, { clusters: { near: 20 } })
      await pass(30)
      for (const name of fleet.held.keys()) fleet.silent.add(name)
      await rollouts.act(id, { act: 'rollBack', actor: 'bo', reason: 'it is bad' })
      await pass(60)
      expect(await state()).toMatchObject({ state: 'rollingBack' })
      expect(having(bad)).toHaveLength(1)
      fleet.silent.clear()
      await pass(20)
      expect(await state()).toMatchObject({ state: 'rolledBack' })
      expect(having(good)).toHaveLength(20)
    })

    test('is not held up by a cluster that was away when its step began, nor is its roll-back', async () => {
      await using made = await open()
      const { pass, state, fleet, rollouts, id } = await rollingOut(made, { clusters: { near: 4, far: 1 } })
      for (const name of fleet.held.keys()) if (name.startsWith('far')) fleet.silent.add(name)
      await pass(150)
      expect(await state()).toMatchObject({ step: 1 })
      await rollouts.act(id, { act: 'rollBack', actor: 'bo', reason: 'it is bad' })
      await pass(20)
      expect(await state()).toMatchObject({ state: 'rolledBack' })
    })

    test('leaves no rows of hosts behind when other settings follow while it is taken back', async () => {
      await using made = await open()
      const { pass, rollouts, id, set, work } = await rollingOut(made, {})
      await pass(20)
      expect(await work.hosts(id)).toHaveLength(20)
      await rollouts.act(id, { act: 'rollBack', actor: 'bo', reason: 'another one' })
      await set(good)
      expect(await work.hosts(id)).toEqual([])
    })

    test('is paused, resumed, halted and rolled back by one call each, and keeps who did it and why', async () => {
      await using made = await open()
      const { pass, having, rollouts, id, acts } = await rollingOut(made, {})
      const act = (name: 'pause' | 'resume' | 'halt' | 'rollBack') =>
        rollouts.act(id, { act: name, actor: 'bo', reason: `because ${name}` })
      await act('pause')
      await pass(300)
      expect(having(bad)).toHaveLength(0)
      await act('resume')
      await pass(150)
      expect(having(bad).length).toBeGreaterThan(9)
      await act('halt')
      await pass(300)
      await act('rollBack')
      await pass(20)
      expect(having(good)).toHaveLength(20)
      expect((await acts()).filter((name) => name !== 'step')).toEqual([
        ...['begin', 'pause', 'resume', 'halt', 'rollBack', 'rolledBack'],
      ])
      const { rows } = await rollouts.events(id, all)
      expect(rows.find(({ act: name }) => name === 'halt')).toMatchObject({ actor: 'bo', reason: 'because halt' })
    })

    test('that is done is rolled back, as long as nothing has followed it', async () => {
      await using made = await open()
      const lab = settingsLab(made)
      const first = await lab.set(good)
      const second = await lab.set(bad)
      const back = (id: string) => lab.rollouts.act(id, { act: 'rollBack', actor: 'bo', reason: 'no' })
      await expect(back(first.rollout.id)).rejects.toMatchObject({ code: 'ROLLOUT_STATE' })
      await back(second.rollout.id)
      const [slot] = await lab.store.wanted()
      expect(slot?.wanted?.values).toEqual(good)
    })

    test('goes on from the database with another manager at any step', async () => {
      await using made = await open()
      const { pass, state, having, clock } = await rollingOut(made, {})
      for (let seed = 10; (await state()).state === 'running' && seed < 200; seed += 1) {
        const work = settingsLab(made, clock, seed)
        await work.identity.start()
        await pass(10, { work })
      }
      expect(await state()).toMatchObject({ state: 'done' })
      expect(having(bad)).toHaveLength(20)
    })

    test('takes keys away at the hosts of its step, and nowhere else', async () => {
      await using made = await open()
      const { pass, fleet, set, rollouts, id } = await rollingOut(made, {})
      await rollouts.act(id, { act: 'rollBack', actor: 'bo', reason: 'another one' })
      await set({}, { steps: [{ percent: 50 }, { percent: 100 }] })
      await pass(20)
      expect(fleet.hosts.filter(({ values }) => 'limits.download' in values)).toHaveLength(10)
      await pass(600)
      expect(fleet.hosts.filter(({ values }) => 'limits.download' in values)).toHaveLength(0)
    })

    test('that somebody changes while its hosts are looked at is not changed by what was seen', async () => {
      await using made = await open()
      const { pass, rollouts, work, id, state } = await rollingOut(made, {})
      await pass(20)
      const seen = await rollouts.rollout(id)
      await rollouts.act(id, { act: 'rollBack', actor: 'bo', reason: 'now' })
      const look = { ...nothingSeen, hosts: 1 }
      await work.looked(seen, { ...seen.progress, step: 1, begun: false }, { look, joined: [] })
      await work.begin(seen, { share: { hosts: {}, percent: 100 }, hosts: [], before: nothingSeen.those })
      expect(await state()).toMatchObject({ state: 'rollingBack', step: 0 })
    })
  })

  describe('the trackers of clusters', () => {
    test('get what is wanted when they have something else, whichever answers', async () => {
      await using made = await open()
      const { fleet, round, store } = await rollingOut(made, { clusters: { near: 2, far: 2 } })
      fleet.silent.add('far-tracker-0')
      fleet.hold('near-tracker-0', undefined)
      await round(fleet)
      const [slot] = await store.wanted()
      expect(fleet.held.get('near-tracker-0')?.generation).toBe(slot?.touched)
      expect(fleet.held.get('far-tracker-1')?.generation).toBe(slot?.touched)
      fleet.silent.clear()
      await round(fleet)
      expect(fleet.held.get('far-tracker-0')?.generation).toBe(slot?.touched)
    })

    test('that follow another manager are left alone', async () => {
      await using made = await open()
      const { fleet, round, metrics } = await rollingOut(made, {})
      const foreign = { manager: 'somebody', generation: 99, layers: [] }
      fleet.hold('near-tracker-0', foreign)
      await round(fleet)
      expect(fleet.held.get('near-tracker-0')).toBe(foreign)
      expect(metrics.value('shoal_manager_trackers', { state: 'foreign' })).toBe(1)
    })

    test('that have later settings prove that the database is an older copy: what it rolls out is paused', async () => {
      await using made = await open()
      const { pass, clock, fleet, round, identity, state, rollouts, id } = await rollingOut(made, {})
      await pass(20)
      expect(await state()).toMatchObject({ state: 'running', step: 0, isSettled: true })
      for (const name of fleet.held.keys()) fleet.hold(name, { manager: identity.id, generation: 5000, layers: [] })
      fleet.live(20)
      clock.stall(600 * SECOND)
      await round(fleet)
      await round(fleet)
      expect(await state()).toMatchObject({ state: 'paused', step: 0 })
      const { rows } = await rollouts.events(id, all)
      expect(rows.at(-1)).toMatchObject({ actor: 'manager', act: 'pause' })
    })

    test('that are ahead of the database leave the order in which its settings were made', async () => {
      await using made = await open()
      const lab = settingsLab(made)
      await lab.identity.start()
      const fleet = simulatedFleet({ clock: lab.clock, clusters: { near: 1 } })
      // Both are names of one host: the one that was set later counts.
      await lab.set(bad, { scope: 'host:b' })
      await lab.set(bad, { scope: 'host:a' })
      await lab.set(good, { scope: 'host:b' })
      await lab.set(good, { scope: 'all' })
      const touched = async () => {
        const slots = await lab.store.wanted()
        return new Map(slots.map((slot) => [scopeText(slot.scope), slot.touched]))
      }
      fleet.hold('near-tracker-0', { manager: lab.identity.id, generation: 5000, layers: [] })
      await lab.round(fleet)
      const after = await touched()
      expect([...after.keys()]).toEqual(['all', 'host:a', 'host:b'])
      const ordered = [...after].toSorted(([, a], [, b]) => a - b).map(([scope]) => scope)
      expect(ordered).toEqual(['host:a', 'host:b', 'all'])
      expect(new Set(after.values()).size).toBe(3)
      expect(Math.min(...after.values())).toBeGreaterThan(5000)
    })

    test('that claim a generation nobody gave are not followed', async () => {
      await using made = await open()
      const { fleet, round, identity, store, state } = await rollingOut(made, { clusters: { near: 2, far: 2 } })
      fleet.hold('far-tracker-0', { manager: identity.id, generation: Number.MAX_SAFE_INTEGER, layers: [] })
      await round(fleet)
      const [slot] = await store.wanted()
      expect(slot?.touched).toBeLessThan(100)
      expect(fleet.held.get('near-tracker-0')?.generation).toBe(slot?.touched)
      expect(await state()).toMatchObject({ state: 'running', begun: true })
      const document = fleet.held.get('near-tracker-0')
      const [row] = await lookAtTrackers(fleet, 'far', { document, manager: identity.id })
      expect(row).toMatchObject({ state: 'refused', code: 'STEERING_STALE' })
    })

    test('that have other settings of the same generation get those of the database', async () => {
      await using made = await open()
      const { fleet, round, identity, store } = await rollingOut(made, {})
      await round(fleet)
      const { generation = 0 } = fleet.held.get('near-tracker-0') ?? {}
      fleet.hold('near-tracker-0', { manager: identity.id, generation, layers: [] })
      await round(fleet)
      await round(fleet)
      const [slot] = await store.wanted()
      expect(slot?.touched).toBeGreaterThan(generation)
      expect(fleet.held.get('near-tracker-0')).toMatchObject({ generation: slot?.touched, layers: [{}, {}] })
      expect(fleet.held.get('near-tracker-1')).toEqual(fleet.held.get('near-tracker-0'))
    })

    test('let go of settings of this manager that the database does not know', async () => {
      await using made = await open()
      const lab = settingsLab(made)
      await lab.identity.start()
      const fleet = simulatedFleet({ clock: lab.clock, clusters: { near: 1, far: 1 } })
      await lab.set(good, { scope: 'cluster:near' })
      const [layer] = [{ id: 'v1', generation: 1, kind: 'agent', scope: { all: true as const }, values: bad }]
      fleet.hold('far-tracker-0', { manager: lab.identity.id, generation: 7, layers: [layer] })
      await lab.round(fleet)
      const held = fleet.held.get('far-tracker-0')
      expect(held).toMatchObject({ layers: [] })
      expect(held?.generation).toBeGreaterThan(7)
      await lab.round(fleet)
      expect(fleet.held.get('far-tracker-0')).toBe(held)
      await lab.set(good, { scope: 'cluster:far' })
      await lab.round(fleet)
      expect(fleet.held.get('far-tracker-0')).toMatchObject({ layers: [{ values: good }] })
    })

    test('that have later settings than an older copy of the database get those of the database', async () => {
      await using made = await open()
      const { fleet, round, identity, store } = await rollingOut(made, {})
      fleet.hold('near-tracker-0', { manager: identity.id, generation: 5000, layers: [] })
      await round(fleet)
      await round(fleet)
      const [slot] = await store.wanted()
      expect(slot?.touched).toBeGreaterThan(5000)
      expect(fleet.held.get('near-tracker-0')?.generation).toBe(slot?.touched)
    })
  })
})

const tenOfTwenty = { steps: [{ hosts: 10 }, { percent: 100 }] }
const nothingSeen = {
  ...{ hosts: 0, behind: 0, gone: 0, refused: 0, comparison: 'good' as const, isWhole: true },
  ...{ those: { pulls: 0, errors: 0, stalls: 0 }, others: { pulls: 0, errors: 0, stalls: 0 } },
} as const

const withWanted = <Lab extends Awaited<ReturnType<typeof rollingOut>>>(lab: Lab) => ({
  ...lab,
  wantedVersion: async () => {
    const [slot] = await lab.store.wanted()
    return slot?.wanted?.values
  },
})
