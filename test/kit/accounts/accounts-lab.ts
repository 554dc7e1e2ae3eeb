import { type FakeClock, fakeClock, seededRandom } from '../../../lib/base/index.ts'
import { type RecordingLogger, recordingLogger, recordingMetrics } from '../../../lib/telemetry/index.ts'
import type { OpenTalk, OriginTalkInit } from '../../../services/controller/accounts/account/origin-talk.ts'
import { accountsSchema } from '../../../services/controller/accounts/index.ts'
import { ADOPT, controlPlanes } from '../../../services/controller/accounts/resource/control-plane.ts'
import { type AccountsRole, accountsRole } from '../../../services/controller/accounts/role.ts'
import { namespaceOf } from '../../../services/controller/accounts/rules/marks.ts'
import type { HandOver } from '../../../services/controller/accounts/rules/rollout.ts'
import {
  isJson,
  type Json,
  type KubeEvent,
  resources,
  type Term,
} from '../../../services/controller/kubernetes/index.ts'
import type { Role } from '../../../services/controller/role.ts'
import type { Stored } from '../kube-server/stored.ts'
import { type ClusterLife, clusterLife } from './cluster-life.ts'
import { type MemoryKube, memoryKube } from './memory-kube.ts'

export const HOME = 'shoal-system'
export const planeKind = { ...controlPlanes, hasStatus: true }

/** A spec that can be, with the parts that a test changes. */
export const planeSpec = (more: object = {}) => ({
  version: 'v1',
  backend: { driver: 's3', bucket: 'images', region: 'cn-beijing', credentials: { secretName: 'bucket' } },
  ...more,
})

const base64 = (text: string) => Buffer.from(text).toString('base64')

export const credentials = (name = 'bucket', namespace = HOME, id = 'AKIA') => ({
  metadata: { name, namespace },
  data: { accessKeyId: base64(id), secretAccessKey: base64(`${id}-secret`) },
})

/** What a test does to accounts, and to the controller. */
interface AccountsDeeds {
  /** Puts a resource of an account. */
  account(name: string, spec?: object): void
  edit(name: string, change: object): void
  /** Names the namespace that is there as the one which the account takes back. */
  takeBack(name: string): void
  remove(name: string): void
  /** The role leads anew, as after a restart of the controller. */
  restart(): Promise<void>
}

/** A controller with the role `accounts`, over a cluster in memory, ruled by a fake clock. */
export interface AccountsLab {
  readonly do: AccountsDeeds
  readonly clock: FakeClock
  readonly kube: MemoryKube
  readonly life: ClusterLife
  readonly events: KubeEvent[]
  readonly logger: RecordingLogger
  readonly role: AccountsRole
  /** What origins say, by `namespace/pod`; default: that all is well. */
  readonly handOvers: Map<string, HandOver | Error>
  /** What origins were told: `walk namespace/pod`. */
  readonly told: string[]
  /** With which secrets origins were talked to. */
  readonly talks: OriginTalkInit[]
  plane(name: string): Stored | undefined
  namespace(name: string): string
  condition(name: string, type: string): Json
  /** Steps of the cluster and of time. */
  pass(steps: number, stepMs?: number): Promise<void>
  /** Until it is so; fails after a number of steps. */
  until(isSo: () => boolean, mostSteps?: number, stepMs?: number): Promise<void>
  stop(): Promise<void>
}

const SETTLED: HandOver = { state: 'staying', isWalked: true, unsafe: 0, failures: 0 }

/** `startMs`: what the clock says at first; services that run have to live in the same time. */
export async function accountsLab(config: object = {}, startMs = 1_767_225_600_000): Promise<AccountsLab> {
  const clock = fakeClock(startMs)
  const kube = memoryKube([planeKind], HOME)
  const life = clusterLife(kube)
  const logger = recordingLogger()
  const events: KubeEvent[] = []
  const handOvers = new Map<string, HandOver | Error>()
  const told: string[] = []
  const talks: OriginTalkInit[] = []
  const accounts = accountsSchema.parse({ image: 'registry.test/shoal', ...config })
  for (const name of ['default', 'kube-system', HOME]) kube.put(resources.namespaces, { metadata: { name } })
  kube.put(resources.secrets, credentials())

  const talk: OpenTalk = async (init) => {
    talks.push(init)
    const { namespace } = init.place
    const keyOf = (name: string) => `${namespace}/${name}`
    return {
      async ask({ name }) {
        const said = handOvers.get(keyOf(name)) ?? SETTLED
        if ('message' in said) throw said
        return said
      },
      async tell({ name }, what) {
        told.push(`${what} ${keyOf(name)}`)
        const states = { walk: SETTLED, leave: { ...SETTLED, state: 'left' }, stay: SETTLED } as const
        handOvers.set(keyOf(name), states[what])
      },
      stop: async () => undefined,
    }
  }
  const components = {
    ...{ clock, random: seededRandom(1), logger, metrics: recordingMetrics(), kube },
    events: {
      tell: (event: KubeEvent) => void events.push(event),
      start: async () => undefined,
      stop: async () => undefined,
    },
  } as unknown as Parameters<typeof accountsRole>[0]

  let running: { readonly role: Role; readonly end: AbortController; readonly led: Promise<void> }
  let role: AccountsRole
  const start = async () => {
    role = accountsRole(components, { accounts }, talk)
    const end = new AbortController()
    const term: Term = { signal: end.signal, assert: () => end.signal.throwIfAborted() }
    for (const part of role.parts) await part.start()
    running = { role, end, led: role.lead(term).catch(() => undefined) }
  }
  const stop = async () => {
    running.end.abort()
    await running.led
    for (const part of running.role.parts) await part.stop()
  }
  const planeOf = (name: string) => kube.all(controlPlanes).find(({ metadata }) => metadata.name === name)
  const deeds: AccountsDeeds = {
    account(name, spec = {}) {
      kube.put(controlPlanes, { metadata: { name, namespace: HOME }, spec: planeSpec(spec) })
    },
    edit(name, change) {
      const plane = planeOf(name)
      if (plane !== undefined) kube.put(controlPlanes, { ...plane, spec: { ...(plane['spec'] as object), ...change } })
    },
    takeBack(name) {
      const [plane, at] = [planeOf(name), namespaceOf(accounts.prefix, { namespace: HOME, name })]
      const uid = kube.all(resources.namespaces).find(({ metadata }) => metadata.name === at)?.metadata.uid
      if (plane === undefined || uid === undefined) return
      kube.put(controlPlanes, { ...plane, metadata: { ...plane.metadata, annotations: { [ADOPT]: uid } } })
    },
    remove(name) {
      kube.writes.remove(controlPlanes, { name, namespace: HOME }).catch(() => undefined)
    },
    async restart() {
      await stop()
      await start()
    },
  }
  const lab: AccountsLab = {
    do: deeds,
    ...{ clock, kube, life, events, logger, handOvers, told, talks, stop },
    get role() {
      return role
    },
    plane: planeOf,
    namespace: (name) => namespaceOf(accounts.prefix, { namespace: HOME, name }),
    condition(name, type) {
      const status = lab.plane(name)?.['status']
      const all = isJson(status) && Array.isArray(status['conditions']) ? status['conditions'].filter(isJson) : []
      return all.find((condition) => condition['type'] === type) ?? {}
    },
    async pass(steps, stepMs = 500) {
      for (let step = 0; step < steps; step += 1) {
        life.tick()
        await clock.advance(stepMs)
      }
    },
    async until(isSo, mostSteps = 400, stepMs = 500) {
      for (let step = 0; step < mostSteps; step += 1) {
        if (isSo()) return
        await lab.pass(1, stepMs)
      }
      if (!isSo()) throw new Error(`it has not become so: ${isSo.toString()}`)
    },
  }
  await start()
  return lab
}

/** Everything is as it is to be. */
export const isSettled = (lab: AccountsLab, name: string): boolean =>
  lab.condition(name, 'Progressing')['observedGeneration'] === lab.plane(name)?.metadata.generation &&
  lab.condition(name, 'Progressing')['reason'] === 'Settled' &&
  lab.condition(name, 'Ready')['status'] === 'True'
