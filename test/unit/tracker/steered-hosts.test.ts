import { describe, expect, test } from '@jest/globals'
import {
  compareSteering,
  hashOfValues,
  noSteering,
  type SteeringReport,
  steeringRules,
} from '../../../lib/api/index.ts'
import { fakeClock } from '../../../lib/base/index.ts'
import { peerIdOf } from '../../../lib/core/index.ts'
import { hostReports } from '../../../services/tracker/steering/host-reports.ts'
import {
  HostSum,
  runningGeneration,
  runSettings,
  steeredState,
} from '../../../services/tracker/steering/steered-state.ts'
import { steeringDesk } from '../../../services/tracker/steering/steering-desk.ts'
import { waking } from '../../../services/tracker/steering/waking.ts'

const values = { log: 'warn' }
const layer = { id: 'east', generation: 2, kind: 'agent', scope: { zone: 'east' }, values }
const document = { manager: 'm', generation: 3, layers: [layer] }
const version = { term: 0, generation: 3, atMs: 5, by: 'a' }
const held = { version, document }
const rules = steeringRules(document)
const steering = { held, for: (host: Parameters<typeof rules.of>[0]) => rules.of(host) }
const earlier = { ...version, generation: 2 }

const report = (more: Partial<SteeringReport> = {}): SteeringReport => ({
  ...{ version: noSteering, hash: hashOfValues({}), state: 'applied', runs: 0 },
  ...{ health: { done: 2, failed: 1, stalled: 1 }, ...more },
})
const host = (name: string, zone?: string) => {
  const id = peerIdOf(name)
  return { id, peerId: id, address: '10.0.0.1', zone, label: name, platform: 'linux/amd64' }
}

function lab() {
  const clock = fakeClock()
  const reports = hostReports(clock, { max: 1_000 })
  return { clock, reports, desk: steeringDesk({ steering, reports }) }
}

describe('what a host is told', () => {
  test.each([
    ['that is not to change hears of the generation, and it is no news', undefined, report(), { isNews: false }],
    ['that is to change hears at once, with values', 'east', report(), { isNews: true, word: { values } }],
    [
      'that has them hears only the generation',
      'east',
      report({ version: earlier, hash: hashOfValues(values) }),
      { isNews: false },
    ],
    [
      'that knows a later document keeps it',
      'east',
      report({ version: { ...version, generation: 4 } }),
      { isNews: false },
    ],
  ])('one %s', (_, zone, told, said) => {
    const { desk } = lab()
    const answer = desk.for(host('h', zone), { steering: told })
    expect(answer).toMatchObject(said)
    if (!said.isNews) expect(answer?.word).not.toHaveProperty('values')
  })

  test('nothing when it has the same, or takes none', () => {
    const { desk } = lab()
    const same = report({ version, hash: hashOfValues(values) })
    expect([desk.for(host('h', 'east'), { steering: same }), desk.for(host('h', 'east'), {})]).toEqual([
      undefined,
      undefined,
    ])
    expect(compareSteering(same.version, held.version)).toBe(0)
  })
})

describe('what is known of hosts', () => {
  test.each([
    ['applied', 3, 'west', report()],
    ['applied', 3, 'east', report({ version: earlier, hash: hashOfValues(values), runs: 2 })],
    ['waiting', 0, 'east', report()],
    [
      'failed',
      1,
      'east',
      report({ version, hash: hashOfValues(values), state: 'failed', code: 'SETTING_INVALID', runs: 1 }),
    ],
    ['unable', 0, 'east', undefined],
  ] as const)('%s, and runs %i', (state, generation, zone, told) => {
    const { reports, desk } = lab()
    desk.heard(host('h', zone), told === undefined ? {} : { steering: told })
    const [known] = [...reports.all()]
    expect([steeredState({ steering, reports }, known!), runningGeneration({ steering }, known!)]).toEqual([
      state,
      generation,
    ])
  })

  test('one that is silent is away, and after an hour it is forgotten', async () => {
    const { clock, reports, desk } = lab()
    desk.heard(host('h'), { steering: report() })
    const [known] = [...reports.all()]
    await clock.advance(75_000)
    expect(steeredState({ steering, reports }, known!)).toBe('away')
    await clock.advance(3_600_000)
    reports.sweep()
    expect([...reports.all()]).toEqual([])
  })

  test('is not all as long as hosts may be there that have not asked yet', async () => {
    const { clock, reports } = lab()
    expect(reports.isWhole).toBe(false)
    await clock.advance(75_000)
    expect(reports.isWhole).toBe(false)
    reports.begin()
    await clock.advance(74_999)
    expect(reports.isWhole).toBe(false)
    await clock.advance(1)
    expect(reports.isWhole).toBe(true)
  })

  test('services of different kinds and one name are two, and each hears of its own', () => {
    const document = {
      manager: 'm',
      generation: 3,
      layers: [{ ...layer, kind: 'build-index', scope: { hosts: ['one'] } }],
    }
    const rules = steeringRules(document)
    const reports = hostReports(fakeClock(), { max: 10 })
    const desk = steeringDesk({ steering: { held: { version, document }, for: (each) => rules.of(each) }, reports })
    const asked = { member: 'one', shoal: '1.0.0', report: report() }
    const words = (['origin', 'build-index'] as const).map((kind) => desk.heardService(kind, '10.0.0.2', asked))
    expect(words.map((word) => word?.values)).toEqual([undefined, values])
    expect([...reports.all()].map(({ kind, id }) => [kind, id])).toEqual([
      ['origin', 'one'],
      ['build-index', 'one'],
    ])
  })

  test('an origin can be named by its member, peer id, address and label', () => {
    const peerId = peerIdOf('origin')
    for (const name of ['one', peerId, '10.0.0.2', 'node-1']) {
      const rules = steeringRules({
        ...{ manager: 'm', generation: 3 },
        layers: [{ ...layer, kind: 'origin', scope: { hosts: [name] } }],
      })
      const reports = hostReports(fakeClock(), { max: 10 })
      const desk = steeringDesk({ steering: { held, for: (each) => rules.of(each) }, reports })
      const asked = { member: 'one', peerId, label: 'node-1', shoal: '1.0.0', report: report() }
      expect([name, desk.heardService('origin', '10.0.0.2', asked)?.values]).toEqual([name, values])
    }
  })

  test('of too many, those that are silent for longest are forgotten', () => {
    const reports = hostReports(fakeClock(), { max: 2 })
    const desk = steeringDesk({ steering, reports })
    for (const name of ['a', 'b', 'a', 'c']) desk.heard(host(name), { steering: report() })
    expect([...reports.all()].map(({ label }) => label)).toEqual(['a', 'c'])
  })

  test('of too many, those of the address with most of them are forgotten, so one with made-up names ousts itself', () => {
    const reports = hostReports(fakeClock(), { max: 5 })
    const desk = steeringDesk({ steering, reports })
    const honest = ['a', 'b', 'c']
    for (const [at, name] of honest.entries()) desk.heard({ ...host(name), address: `10.0.1.${at}` }, {})
    for (let made = 0; made < 20; made += 1) desk.heard({ ...host(`made ${made}`), address: '10.0.9.9' }, {})
    const asked = { member: 'origin', shoal: '1.0.0', report: report() }
    desk.heardService('origin', '10.0.0.2', asked)
    const known = [...reports.all()].map(({ id, label }) => label ?? id)
    expect(known).toEqual([...honest, 'made 19', 'origin'])
    expect(reports.ofPeer(peerIdOf('made 18'))).toBeUndefined()
  })

  test('are found by the id of their present run, and not by one from before or after they were forgotten', async () => {
    const clock = fakeClock()
    const reports = hostReports(clock, { max: 2 })
    const desk = steeringDesk({ steering, reports })
    const [first, second] = [peerIdOf('run 1'), peerIdOf('run 2')]
    desk.heard({ ...host('a'), peerId: first }, { steering: report() })
    desk.heard({ ...host('a'), peerId: second }, { steering: report({ runs: 2 }), shoal: '1.2.3' })
    expect([reports.ofPeer(first), reports.ofPeer(second)?.shoal]).toEqual([undefined, '1.2.3'])
    const origin = { member: 'o', peerId: first, shoal: '1.2.4', report: report() }
    desk.heardService('origin', '10.0.0.2', origin)
    expect(reports.ofPeer(first)?.kind).toBe('origin')
    desk.heard(host('b'), {})
    expect(reports.ofPeer(second)).toBeUndefined()
    await clock.advance(3_600_000)
    reports.sweep()
    expect(reports.ofPeer(first)).toBeUndefined()
  })

  test('of one that has refused: what runs there, and why not the rest', () => {
    const { clock, reports, desk } = lab()
    const refused = { state: 'failed', code: 'SETTING_INVALID', message: 'too fast', runs: 1 } as const
    const told = report({ version, hash: hashOfValues(values), ...refused })
    desk.heard(host('h', 'east'), { steering: told })
    const run = { state: 'failed', generation: 1, code: 'SETTING_INVALID', message: 'too fast', seenAtMs: clock.now() }
    expect([...reports.all()].map((known) => runSettings({ steering, reports }, known))).toEqual([run])
  })

  test('their pulls are summed up', () => {
    const { reports, desk } = lab()
    for (const name of ['a', 'b']) desk.heard(host(name), { steering: report() })
    desk.heard(host('old'), {})
    const sum = new HostSum()
    for (const known of reports.all()) sum.add(known, steeredState({ steering, reports }, known))
    expect(sum.answer).toMatchObject({
      hosts: 3,
      states: { applied: 2, unable: 1 },
      health: { done: 4, failed: 2, stalled: 2 },
    })
  })
})

test('only hosts that have to change are woken, 200 at a time, from the place of the tracker on', async () => {
  const { clock, desk } = lab()
  for (let i = 0; i < 450; i += 1) desk.heard(host(`east ${i}`, 'east'), { steering: report() })
  desk.heard(host('west', 'west'), { steering: report() })
  const woken: string[] = []
  const wakes = waking({ clock, desk, posts: { wake: (id) => woken.push(id) } }, { share: 0.5 })
  const all = [...desk.behind()].sort()
  wakes.begin()
  expect(woken).toEqual(all.slice(225, 425))
  await clock.advance(100)
  expect(woken).toHaveLength(400)
  await clock.advance(100)
  expect(woken.toSorted()).toEqual(all)
})
