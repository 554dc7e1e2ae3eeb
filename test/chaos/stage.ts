import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type Clock, seededRandom } from '../../lib/base/index.ts'
import { type GatedStore, gatedStore } from '../kit/gated-store.ts'
import { linkBlob } from '../kit/link-blob.ts'
import { sendSignal } from '../kit/process-tree.ts'
import { buildResource } from '../kit/resource-stack.ts'
import { tempFolder } from '../kit/temp-folder.ts'
import { startTopology, type Topology } from '../kit/topology.ts'
import { type ColdStore, coldStore } from './cold-store.ts'
import { drawn, modelBlob } from './model-blob.ts'
import type { PlacedBlob } from './pulls.ts'
import type { Disturbance, World } from './script.ts'
import { type SmallDisk, smallDisk } from './small-disk.ts'

/** Of each service. */
const HEAP_MIB = 512
const DISK_MIB = 96
const MIN_BLOB_BYTES = 300_000

export interface StageInit {
  readonly seed: number
  /** Agents from which clients pull; one more lies. */
  readonly agents: number
  readonly origins: number
  /** Blobs that only the cold store has. */
  readonly coldBlobs: number
  /** Of the largest of these. */
  readonly maxBlobBytes: number
}

/** The services, the cold store, and what can be done to them. */
export interface Stage {
  readonly shoal: Topology
  readonly store: ColdStore
  readonly world: World
  readonly cold: readonly PlacedBlob[]
  /** Listeners from which clients pull. */
  readonly doors: readonly string[]
  begin(disturbance: Disturbance): Promise<void>
  end(disturbance: Disturbance): Promise<void>
  /** What services logged before they were killed or told to stop, by id. */
  readonly earlierLogs: ReadonlyMap<string, string>
}

const numbered = (name: string, count: number) => Array.from({ length: count }, (_, index) => `${name}-${index + 1}`)

function coldBlobs({ seed, coldBlobs: count, maxBlobBytes }: StageInit): readonly PlacedBlob[] {
  const random = seededRandom(seed)
  return Array.from({ length: count }, (_, index) => ({
    // Of a bucket, which is read in units, and of a web server.
    repository: `${index % 3 === 0 ? 'web' : 'bucket'}/app${index % 5}`,
    blob: modelBlob(`cold ${seed} ${index}`, drawn(random, MIN_BLOB_BYTES, maxBlobBytes)),
  }))
}

function backendRules({ url }: ColdStore, data: string): readonly object[] {
  const bucket = { driver: 's3', bucket: 'chaos', endpoint: url, pathStyle: true }
  const credentials = { accessKeyId: 'AKIATESTTESTTEST', secretAccessKey: 'test/secret+key' }
  // Faults pass in seconds here, and not in minutes.
  const limits = { attempts: 3, answer: '5s', stall: '5s' }
  return [
    { repository: 'bucket/*', backend: { ...bucket, credentials, limits } },
    { repository: 'web/*', backend: { driver: 'http', url: `${url}/{key}`, limits } },
    { repository: '*', backend: { driver: 'file', folder: join(data, 'backend') } },
  ]
}

/** Starts everything; each service is a process of its own, but for the agent that lies. */
export function startStage(clock: Clock, init: StageInit): Promise<Stage & AsyncDisposable> {
  return buildResource(async (stack) => {
    const data = stack.own(await tempFolder('chaos')).path
    const cold = coldBlobs(init)
    const store = stack.own(
      await coldStore(
        clock,
        cold.map(({ blob }) => blob),
      ),
    )
    const disks = new Map<string, SmallDisk>()
    for (const id of ['agent-1', 'origin-2']) {
      const disk = await smallDisk(join(data, id), DISK_MIB)
      if (disk !== undefined) disks.set(id, stack.own(disk))
    }
    const origins = numbered('origin', init.origins)
    const others = [...numbered('tracker', 2), ...numbered('build-index', 2)]
    const agents = numbered('agent', init.agents)
    const liar = `agent-${init.agents + 1}`
    const gate = gatedStore()
    const shoal = stack.own(
      await startTopology({
        ...{ agents: init.agents + 1, origins: init.origins, trackers: 2, data },
        processes: [...agents, ...origins, ...others, 'proxy-1'],
        env: { NODE_OPTIONS: `--max-old-space-size=${HEAP_MIB}` },
        overrides: [
          `origin.backends=${JSON.stringify(backendRules(store, data))}`,
          ...['agent', 'origin', 'tracker', 'buildIndex', 'proxy'].map((kind) => `${kind}.log=warn`),
          // A stop waits for clients, but not for those that wait for somebody who is frozen.
          ...['agent', 'origin', 'tracker', 'buildIndex'].map((kind) => `${kind}.drain=3s`),
          'tracker.announce.maxInterval=10s',
        ],
        more: (kind, id) => moreOf(kind, { isSmall: id === agents.at(-1), hasSmallDisk: disks.has(id) }),
        agentParts: (id) => (id === liar ? { wrapStore: (inner) => gate.wrap(inner) } : {}),
      }),
    )
    const thaw = () => {
      for (const list of Object.values(shoal.plan)) for (const { id } of list) signalTo(shoal, id, 'SIGCONT')
    }
    stack.own({ [Symbol.asyncDispose]: async () => thaw() })
    for (const { repository, blob } of cold) await linkBlob(shoal, repository, blob.digest, blob.size)
    const earlierLogs = new Map<string, string>()
    const world = { agents, origins, others, proxies: ['proxy-1'], liar, smallDisks: [...disks.keys()] }
    return {
      ...{ shoal, store, world, cold, earlierLogs },
      doors: [...agents, 'proxy-1'].map((id) => shoal.url(id, 'registry')),
      ...doings({ shoal, store, gate, disks, data, earlierLogs }),
    }
  })
}

interface Place {
  /** It has a slow line, and almost no room. */
  readonly isSmall: boolean
  readonly hasSmallDisk: boolean
}

/** Little room, so that blobs come and go; less than a small disk has, which is full only when somebody fills it. */
function moreOf(kind: string, { isSmall, hasSmallDisk }: Place): Readonly<Record<string, unknown>> {
  if (isSmall) return { store: { capacity: '40MB', minFree: '0' }, limits: { upload: '500KB/s' } }
  const capacity = hasSmallDisk ? '80MB' : '300MB'
  return kind === 'agent' || kind === 'origin' ? { store: { capacity, minFree: '0' } } : {}
}

function signalTo(shoal: Topology, id: string, signal: NodeJS.Signals): void {
  const pid = shoal.pid(id)
  if (pid !== 0 && pid !== process.pid) sendSignal(-pid, signal)
}

interface Props {
  readonly shoal: Topology
  readonly store: ColdStore
  readonly gate: GatedStore
  readonly disks: ReadonlyMap<string, SmallDisk>
  readonly data: string
  readonly earlierLogs: Map<string, string>
}

function doings({ shoal, store, gate, disks, data, earlierLogs }: Props): Pick<Stage, 'begin' | 'end'> {
  const keepLogs = (id: string) => earlierLogs.set(id, (earlierLogs.get(id) ?? '') + shoal.logs(id))
  const wipe = async (id: string) => {
    const folder = join(data, id)
    // It may be the place of a disk.
    for (const name of await readdir(folder)) await rm(join(folder, name), { recursive: true, force: true })
  }
  return {
    async begin({ kind, target, mood }) {
      if (kind === 'freeze') signalTo(shoal, target, 'SIGSTOP')
      else if (kind === 'store') store.mood = mood
      else if (kind === 'lie') gate.corrupt(() => true)
      else if (kind === 'full') await disks.get(target)?.fill()
      else {
        keepLogs(target)
        await (kind === 'stop' ? shoal.stop(target) : shoal.kill(target))
      }
      if (kind === 'wipe') await wipe(target)
    },
    async end({ kind, target }) {
      if (kind === 'freeze') signalTo(shoal, target, 'SIGCONT')
      else if (kind === 'store') store.mood = undefined
      else if (kind === 'lie') gate.corrupt(() => false)
      else if (kind === 'full') await disks.get(target)?.empty()
      else await shoal.start(target)
    },
  }
}
