import { type AdminClient, adminClient, managerApi } from '../../lib/api/index.ts'
import { hasCode, systemClock } from '../../lib/base/index.ts'
import { peerIdOf } from '../../lib/core/index.ts'
import { type HttpClient, httpClient } from '../../lib/http/index.ts'
import { everySecret, secretOverrides } from '../kit/secrets.ts'
import { startTopology, type Topology } from '../kit/topology.ts'
import { percentile, publish } from './measure.ts'
import { sizeOptions } from './options.ts'
import { simulatedFleet } from './steering-fleet.ts'
import { keyOf } from './steering-keys.ts'
import { type Grown, grown, type Load, loadOf } from './steering-load.ts'

const TRACKERS = ['tracker-1', 'tracker-2', 'tracker-3', 'tracker-4'] as const
const MANAGER = ['manager-1'] as const
const LATER = ['agent-1', 'origin-1', 'build-index-1', 'build-index-2', 'proxy-1']
const TOKEN = 'join-token-of-a-bench-0123456789'
/** Between two looks whether the manager knows. */
const LOOK_MS = 1_000
/** So long an agent waits for an answer, on average: how often each would ask a manager. */
const QUESTION_SECONDS = 25
/** Questions that are asked of the manager itself, to see what one costs. */
const DIRECT = 1_000
const DIRECT_AT_ONCE = 8

const clock = systemClock()
const scope = { scope: 'all', kind: 'agent' } as const

type Manager = AdminClient<typeof managerApi>

interface Lab {
  readonly shoal: Topology
  readonly http: HttpClient
  readonly manager: Manager
}

/** Says on stderr how far it is: of many agents it takes minutes. */
const say = (what: string) => void process.stderr.write(`${new Date().toISOString()} ${what}\n`)

/** A look that a busy machine answers too late has seen nothing. */
async function looked(check: () => Promise<boolean>): Promise<boolean> {
  try {
    return await check()
  } catch (err) {
    if (!hasCode(err, 'REQUEST_TIMEOUT')) throw err
    return false
  }
}

async function until(check: () => Promise<boolean>): Promise<void> {
  while (!(await looked(check))) await clock.sleep(LOOK_MS)
}

const loads = async ({ shoal, http }: Lab) => ({
  manager: await loadOf(shoal, http, MANAGER),
  trackers: await loadOf(shoal, http, TRACKERS),
})
type Loads = Readonly<Record<'manager' | 'trackers', Load>>
const between = (before: Loads, after: Loads) => ({
  manager: grown(before.manager, after.manager),
  trackers: grown(before.trackers, after.trackers),
})

/** Where the list of a manager stands before its last agent: a walk comes to that one at its end. */
function lastBut(count: number): string {
  const ids = Array.from({ length: count }, (_, at) => peerIdOf(keyOf(at))).sort()
  return ids.at(-2) ?? ''
}

/** Gives all agents another value, and waits until they run it and the manager knows. */
async function changed({ manager }: Lab, count: number, began: () => Promise<readonly number[]>) {
  const beganMs = Date.now()
  const body = { values: { 'limits.download': '20MB/s' }, reason: 'a bench' }
  const { generation } = await manager.setSettings({ ...scope, body })
  const times = (await began()).map((atMs) => (atMs - beganMs) / 1000)
  say('all agents run the new generation')
  await until(async () => (await manager.settingsApplied(scope)).applied === count)
  const appliedSeconds = (Date.now() - beganMs) / 1000
  say('the manager counts all of them')
  const { id } = await manager.cluster({ cluster: 'herd' })
  const last = `${id}/${lastBut(count)}`
  await until(async () => {
    const [end] = (await manager.hosts({ n: '1', last })).hosts
    const { behind } = await manager.cluster({ cluster: 'herd' })
    return end?.generation === generation && behind === 0
  })
  say('its list has nobody behind')
  return { times, appliedSeconds, listedSeconds: (Date.now() - beganMs) / 1000 }
}

/** What one question costs a manager that agents ask themselves. */
async function direct(lab: Lab): Promise<Grown> {
  const before = await loads(lab)
  const ask = async () => {
    for (let i = 0; i < DIRECT / DIRECT_AT_ONCE; i += 1)
      await lab.manager.settingsEffective({ cluster: 'herd', zone: 'z' })
  }
  await Promise.all(Array.from({ length: DIRECT_AT_ONCE }, ask))
  return between(before, await loads(lab)).manager
}

const seconds = (value: number) => value.toFixed(2)
const sumOf = (values: readonly number[]) => values.reduce((sum, each) => sum + each, 0)
const most = (values: readonly number[]) => Math.max(...values).toFixed(0)
const list = (values: readonly number[]) => values.map(seconds).join(', ')

const msOfOneIn = ({ cpuSeconds, requests }: Grown) => (sumOf(cpuSeconds) / requests) * 1000

const phaseRows = (phase: string, { manager, trackers }: Readonly<Record<'manager' | 'trackers', Grown>>) => [
  [`${phase}: seconds`, seconds(manager.seconds)],
  [`${phase}: requests to the manager`, manager.requests],
  ...manager.routes.map(([route, count]) => [`${phase}: of them ${route}`, count]),
  [`${phase}: CPU seconds of the manager`, list(manager.cpuSeconds)],
  [`${phase}: requests to the trackers`, trackers.requests],
  ...trackers.routes.slice(0, 6).map(([route, count]) => [`${phase}: of them ${route}`, count]),
  [`${phase}: CPU seconds of each tracker`, list(trackers.cpuSeconds)],
  // The same however many questions are open.
  [`${phase}: CPU ms of the trackers for one request`, msOfOneIn(trackers).toFixed(2)],
]

const directRows = (count: number, asked: Grown) => {
  const msOfOne = msOfOneIn(asked)
  const perSecond = count / QUESTION_SECONDS
  return [
    ['asked directly: CPU ms of the manager for one question', msOfOne.toFixed(2)],
    ['asked directly: requests to the manager in a second', perSecond.toFixed(0)],
    ['asked directly: CPU seconds of the manager in a second', ((perSecond * msOfOne) / 1000).toFixed(2)],
  ]
}

const startLab = () =>
  startTopology({
    ...{ agents: 1, origins: 1, trackers: TRACKERS.length, managers: 1, joinToken: TOKEN, later: LATER },
    overrides: [
      ...[...secretOverrides(), 'proxy.anonymous=write', 'agent.registry.anonymous=read'],
      // Announces are measured by another bench: each agent announces once.
      ...['tracker.announce.minInterval=30m', 'tracker.announce.maxInterval=30m'],
    ],
  })

async function measured(lab: Lab, { agents: count, idle }: { readonly agents: number; readonly idle: number }) {
  const { shoal, manager } = lab
  await until(async () => {
    const { trackers } = await manager.steeredTrackers({})
    return trackers.length === TRACKERS.length && trackers.every(({ state }) => state === 'current')
  })
  say('the trackers have joined')
  const urls = TRACKERS.map((id) => shoal.url(id))
  await using fleet = simulatedFleet(count, urls)
  const startedMs = Date.now()
  await fleet.ready()
  const comingSeconds = (Date.now() - startedMs) / 1000
  say('all agents have come')
  await until(async () => (await manager.cluster({ cluster: 'herd' })).agents === count)
  say('the manager lists all of them')
  const first = await loads(lab)
  await clock.sleep(idle * 1000)
  const second = await loads(lab)
  const change = await changed(lab, count, () => fleet.began())
  const third = await loads(lab)
  const { requests, failures } = await fleet.asked()
  const phases = { idle: between(first, second), changing: between(second, third) }
  return { ...change, ...phases, comingSeconds, requests, failures, peak: third, direct: await direct(lab) }
}

/** Arguments: `--agents 200`, simulated ones, each of which asks four real trackers; `--idle 30`, seconds without a change. */
export async function steering(argv: readonly string[]): Promise<void> {
  const size = sizeOptions(argv, { agents: 200, idle: 10 })
  await using shoal = await startLab()
  const http = httpClient({ clock }, { token: everySecret.admin })
  const manager = adminClient(http, shoal.url('manager-1', 'admin'), managerApi)
  try {
    const found = await measured({ shoal, http, manager }, size)
    const reached = ([50, 90, 99, 100] as const).map((rank) => percentile(found.times, rank))
    const { changing, idle, peak } = found
    await publish({
      name: 'steering',
      conditions: [
        `${size.agents} simulated agents, each with a question open at each of 4 trackers in processes of their own, over loopback`,
        'settings are set for all agents at a manager in a process of its own; its routes and settings are the usual ones',
        'changing: from then until its list of hosts has nobody behind; idle: the same services before, without a change',
        'asked directly: what it would be if each agent asked the manager as often as it asks a tracker',
        'requests to the manager of this bench itself, which looks each second, are among them',
      ],
      columns: ['what', 'value', 'must reach'],
      rows: [
        ...[50, 90, 99].map((rank, at) => [`seconds until ${rank} % run it`, seconds(reached[at] ?? 0), '']),
        ['seconds until all run it', seconds(reached[3] ?? 0), '<= 60'],
        ...[
          ['seconds until the manager has counted all', seconds(found.appliedSeconds)],
          ["seconds until the manager's list has nobody behind", seconds(found.listedSeconds)],
          ...phaseRows('changing', changing),
          ...phaseRows('idle', idle),
          ['peak MiB of the manager', most(peak.manager.peakRssMiB)],
          ['peak MiB of a tracker', most(peak.trackers.peakRssMiB)],
          ...directRows(size.agents, found.direct),
          ['seconds in which the agents came', seconds(found.comingSeconds)],
          ['questions of all agents since their start', found.requests],
          ['of them failed', found.failures],
        ].map((row) => [...row, '']),
      ],
      raw: { reached, changing, idle, appliedSeconds: found.appliedSeconds, listedSeconds: found.listedSeconds },
    })
  } finally {
    await http.stop()
  }
}
