import { randomBytes } from 'node:crypto'
import { Agent, request } from 'node:http'
import { type DebianRegistry, startDebianRegistry } from '../kit/clients/index.ts'
import { isInstalled } from '../kit/clients/requirements.ts'
import { closingUrl } from '../kit/registry-client.ts'
import { startTopology, type Topology } from '../kit/topology.ts'
import { median, publish, useOf } from './measure.ts'
import { sizeOptions } from './options.ts'
import { digestOf } from './push.ts'

const KIB = 1024
const NAME = 'bench/layers'
const services = ['proxy-1', 'origin-1', 'build-index-1'] as const
const steps = ['HEAD', 'POST', 'PATCH', 'PUT'] as const
type Step = (typeof steps)[number]

/** How clients connect: docker opens a connection for each request, containerd keeps its own. */
const habits = { 'a connection each': false, 'connections kept': true } as const
type Habit = keyof typeof habits

interface Push {
  readonly ms: number
  readonly cpuMs: readonly number[]
  /** Of each request, by its method. */
  readonly steps: Readonly<Record<Step, readonly number[]>>
}

interface Answer {
  readonly status: number
  readonly location: string
}

function send(agent: Agent, method: string, url: string, body?: Uint8Array): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const chunked = method === 'PATCH' ? { 'transfer-encoding': 'chunked' } : { 'content-length': body?.length ?? 0 }
    const headers = method === 'HEAD' ? {} : chunked
    const sent = request(url, { method, agent, headers }, (res) => {
      res.resume()
      res.once('end', () => resolve({ status: res.statusCode ?? 0, location: res.headers.location ?? '' }))
      res.once('error', reject)
    })
    sent.once('error', reject)
    sent.end(body)
  })
}

/** One layer as docker pushes it: HEAD, POST, a chunked PATCH and an empty PUT. */
async function pushLayer(agent: Agent, registry: string, bytes: Uint8Array, took: (step: Step, ms: number) => void) {
  const digest = digestOf(bytes)
  const step = async (method: Step, url: string, wanted: number, body?: Uint8Array) => {
    const startedMs = performance.now()
    const answer = await send(agent, method, new URL(url, registry).href, body)
    took(method, performance.now() - startedMs)
    if (answer.status !== wanted) throw new Error(`${method} ${url} was answered ${answer.status}`)
    return answer.location
  }
  await step('HEAD', `/v2/${NAME}/blobs/${digest}`, 404)
  const opened = await step('POST', `/v2/${NAME}/blobs/uploads/`, 202)
  const appended = await step('PATCH', opened, 202, bytes)
  await step('PUT', closingUrl(appended, digest), 201)
}

/** Pushes all layers, as many at a time as docker does. */
async function pushAll(
  registry: string,
  layers: readonly Uint8Array[],
  pids: readonly number[],
  habit: Habit,
): Promise<Push> {
  const agent = new Agent({ keepAlive: habits[habit], maxSockets: 16 })
  const times: Record<Step, number[]> = { HEAD: [], POST: [], PATCH: [], PUT: [] }
  const cpu = () => Promise.all(pids.map(async (pid) => (await useOf(pid)).cpuSeconds * 1000))
  const before = await cpu()
  const startedMs = performance.now()
  const left = layers.values()
  const worker = async () => {
    for (const bytes of left) await pushLayer(agent, registry, bytes, (step, ms) => times[step].push(ms))
  }
  await Promise.all(Array.from({ length: 5 }, worker))
  const ms = performance.now() - startedMs
  agent.destroy()
  const after = await cpu()
  return { ms, cpuMs: after.map((used, i) => used - (before[i] ?? 0)), steps: times }
}

interface Sides {
  readonly shoal: Topology
  readonly registry: DebianRegistry | undefined
}

interface Round {
  readonly habit: Habit
  readonly kib: number
  readonly shoal: Push
  readonly registry: Push | undefined
}

async function measured(
  { shoal, registry }: Sides,
  count: number,
  rounds: number,
  sizes: readonly number[],
): Promise<readonly Round[]> {
  const pids = services.map((id) => shoal.pid(id))
  const all: Round[] = []
  for (let round = 0; round <= rounds; round += 1) {
    for (const kib of sizes) {
      for (const habit of Object.keys(habits) as Habit[]) {
        const layers = Array.from({ length: count }, () => randomBytes(kib * KIB))
        const ours = () => pushAll(shoal.url('proxy-1', 'registry'), layers, pids, habit)
        const theirs = () => registry && pushAll(registry.url, layers, [registry.pid], habit)
        // In turns, so that neither has always the busier machine; the first round warms both up.
        const [first, second] = round % 2 === 0 ? [await ours(), await theirs()] : [await theirs(), await ours()]
        const [a, b] = round % 2 === 0 ? [first as Push, second] : [second as Push, first]
        if (round > 0) all.push({ habit, kib, shoal: a, registry: b })
      }
    }
  }
  return all
}

const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0)
const medianOf = (pushes: readonly Push[], figure: (push: Push) => number) => median(pushes.map(figure))

function rowsOf(all: readonly Round[]): (string | number)[][] {
  const groups = new Map<string, Round[]>()
  for (const one of all) {
    const key = `${one.kib} KiB, ${one.habit}`
    groups.set(key, [...(groups.get(key) ?? []), one])
  }
  return [...groups].flatMap(([what, rounds]) => {
    const ours = rounds.map(({ shoal }) => shoal)
    const theirs = rounds.flatMap(({ registry }) => registry ?? [])
    const row = (name: string, pushes: readonly Push[], ratio: string, bound: string) => [
      name,
      what,
      medianOf(pushes, ({ ms }) => ms).toFixed(0),
      medianOf(pushes, ({ cpuMs }) => sum(cpuMs)).toFixed(0),
      ...steps.map((step) => median(pushes.flatMap((push) => push.steps[step])).toFixed(1)),
      ratio,
      bound,
    ]
    if (theirs.length === 0) return [row('shoal', ours, '', '')]
    const ratio = medianOf(ours, ({ ms }) => ms) / medianOf(theirs, ({ ms }) => ms)
    return [row('shoal', ours, ratio.toFixed(2), '<= 1'), row('docker-registry', theirs, '', '')]
  })
}

/** A client pushes many small layers to shoal and, where it is installed, to Debian's docker-registry. */
export async function pushLayers(args: readonly string[] = []): Promise<void> {
  const { layers, rounds, small, large } = sizeOptions(args, { layers: 300, rounds: 5, small: 1, large: 64 })
  const isBeside = isInstalled('docker-registry')
  if (!isBeside) process.stdout.write('docker-registry is not installed: SKIPPED beside shoal\n')
  await using shoal = await startTopology({ agents: 0, origins: 1, trackers: 1 })
  await using registry = isBeside ? await startDebianRegistry() : undefined
  const all = await measured({ shoal, registry }, layers, rounds, [small, large])
  await publish({
    name: 'push-layers',
    conditions: [
      `${rounds} pushes of ${layers} random layers to each registry, in turns, after one to warm both up; medians`,
      'each layer as docker pushes it: HEAD, POST, a chunked PATCH, an empty PUT; 5 layers at a time',
      'shoal: proxy, one origin, one build-index, one tracker, own processes, backend in a folder; docker-registry: that of Debian, with a folder; all in ' +
        (process.env['TMPDIR'] ?? '/tmp'),
      'the columns of methods are ms of one request; ratio: time of shoal / time of docker-registry in the same run',
    ],
    columns: ['what', 'layers', 'ms', 'CPU ms', ...steps.map((step) => `${step} ms`), 'ratio', 'must reach'],
    rows: rowsOf(all),
    raw: all.map(({ habit, kib, shoal: ours, registry: theirs }) => ({
      habit,
      kib,
      ours: ours.ms,
      theirs: theirs?.ms,
      cpuMs: ours.cpuMs,
    })),
  })
}
