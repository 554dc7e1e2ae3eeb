import { hasCode, isAppError, toAppError } from '../../../../lib/base/index.ts'
import { resources } from '../../kubernetes/index.ts'
import type { ControlPlaneSpec } from '../resource/config.ts'
import { byComponent } from '../rules/component.ts'
import { countsOf } from '../rules/conditions.ts'
import { limitTrouble, needsOf } from '../rules/limits.ts'
import { objectsOf } from '../rules/objects.ts'
import { type HandOver, type Rollout, type RolloutInput, rolloutOf } from '../rules/rollout.ts'
import { annotationTrouble, blocked, networkTrouble, type Trouble, troubleReasons } from '../rules/trouble.ts'
import { replicasOf } from '../rules/workloads.ts'
import { type AccountSecrets, accountSecrets } from './account-secrets.ts'
import { type Applier, applier } from './applier.ts'
import { claimNamespace } from './claim-namespace.ts'
import type { AccountComponents, AccountTurn } from './context.ts'
import { type Observed, observe } from './observe.ts'
import type { OpenTalk, OriginTalk } from './origin-talk.ts'
import type { OwnedObjects } from './owned-objects.ts'
import { removalStep, setFinalizer } from './removal.ts'
import { writeStatus } from './write-status.ts'

export interface ReconcilerComponents extends AccountComponents {
  readonly owned: OwnedObjects
  readonly talk: OpenTalk
}

/** How a look at an account has ended. */
export interface Outcome {
  /** `settled`: nothing is to be done; `waits`: something is under way. */
  readonly state: 'settled' | 'waits' | 'blocked' | 'paused' | 'gone'
  readonly trouble: Trouble | undefined
  /** Objects that were written or removed. */
  readonly written: number
}

/** Brings one account to what its resource asks for, one look after the other. */
export interface Reconciler {
  /** All objects are applied in the next look. */
  forget(): void
  /** @throws what the API of Kubernetes throws */
  look(turn: AccountTurn): Promise<Outcome>
  stop(): Promise<void>
}

export const reconciler = (components: ReconcilerComponents): Reconciler => new AccountReconciler(components)

/** A rollout that waits for the same thing for so long is told of as stuck. */
const STUCK_MS = 10 * 60_000

class AccountReconciler implements Reconciler {
  readonly #components: ReconcilerComponents
  readonly #applier: Applier
  #talk: { readonly authority: string; readonly admin: string; readonly talk: OriginTalk } | undefined
  #waiting: { readonly words: string; readonly sinceMs: number } | undefined

  constructor(components: ReconcilerComponents) {
    this.#components = components
    this.#applier = applier(components.owned)
  }

  forget(): void {
    this.#applier.forget()
  }

  async stop(): Promise<void> {
    const talk = this.#talk?.talk
    this.#talk = undefined
    await talk?.stop()
  }

  async look(turn: AccountTurn): Promise<Outcome> {
    const { plane } = turn
    if (plane.leaving) return this.#remove(turn)
    await setFinalizer(turn, true)
    let observed: Observed | undefined
    try {
      if (typeof plane.spec === 'string') throw blocked('SpecInvalid', plane.spec)
      if (plane.paused) return await this.#tellPaused(turn, plane.spec)
      await claimNamespace(turn)
      observed = await observe(turn)
      return await this.#bring(turn, plane.spec, observed)
    } catch (err) {
      const trouble = troubleOf(err)
      if (trouble === undefined) throw err
      const counts =
        typeof plane.spec === 'string' || observed === undefined ? undefined : countsIn(observed, plane.spec)
      await this.#tell(turn, { trouble, counts, endpoints: observed?.endpoints })
      return { state: 'blocked', trouble, written: 0 }
    }
  }

  async #remove(turn: AccountTurn): Promise<Outcome> {
    try {
      const waits = await removalStep(turn, this.#components.owned)
      if (waits === undefined) {
        await setFinalizer(turn, false)
        return { state: 'gone', trouble: undefined, written: 0 }
      }
      await this.#tell(turn, { waits, leaving: true })
      return { state: 'waits', trouble: undefined, written: 0 }
    } catch (err) {
      const trouble = troubleOf(err)
      if (trouble === undefined) throw err
      await this.#tell(turn, { trouble, leaving: true })
      return { state: 'blocked', trouble, written: 0 }
    }
  }

  async #tellPaused(turn: AccountTurn, spec: ControlPlaneSpec): Promise<Outcome> {
    const observed = await observe(turn)
    await this.#tell(turn, { paused: true, counts: countsIn(observed, spec), endpoints: observed.endpoints })
    return { state: 'paused', trouble: undefined, written: 0 }
  }

  async #bring(turn: AccountTurn, spec: ControlPlaneSpec, observed: Observed): Promise<Outcome> {
    const { config } = turn
    const forbidden = networkTrouble(spec, config.clusterNetworks) ?? annotationTrouble(spec, config.annotations)
    if (forbidden !== undefined) throw blocked('NetworkForbidden', forbidden)
    if (config.image === undefined) throw blocked('ImageMissing', 'the controller has no accounts.image in its config')
    const image = `${config.image}:${spec.version}`
    const further = byComponent((name) => [
      ...spec.network.hosts,
      ...observed.endpoints[name].map(({ address }) => address),
    ])
    const secrets = await accountSecrets(this.#components, turn, spec, further)
    const rollout = await this.#rollout(turn, secrets, { image, wanted: wantedOf(spec), ...observed })
    const lacking = limitTrouble(spec, needsOf(spec, rollout.replicas))
    if (lacking !== undefined) throw blocked('LimitsTooSmall', lacking)
    const desired = objectsOf({
      ...{ plane: turn.plane, spec, place: turn.place, ...secrets, claims: observed.claims },
      pods: observed.pods,
      ...{ images: rollout.images, replicas: rollout.replicas },
      ...{ clusterNetworks: config.clusterNetworks, nameServers: config.nameServers },
      controllerNamespace: this.#components.kube.namespace,
    })
    const { written } = await this.#applier.apply(turn, desired)
    await this.#act(turn, rollout)
    const trouble = this.#stuck(rollout.waits)
    const version = rollout.waits === undefined ? spec.version : undefined
    const { endpoints } = observed
    await this.#tell(turn, { trouble, waits: rollout.waits, counts: countsIn(observed, spec), endpoints, version })
    return { state: rollout.waits === undefined ? 'settled' : 'waits', trouble, written }
  }

  /** How far the rollout has come; origins are asked only when it is about them. */
  async #rollout(
    turn: AccountTurn,
    { tokens, authority }: AccountSecrets,
    input: Omit<RolloutInput, 'handOvers'>,
  ): Promise<Rollout> {
    const first = rolloutOf({ ...input, handOvers: new Map() })
    if (!first.asksOrigins) return first
    const talk = await this.#talkWith(turn, tokens.admin, authority.certificate)
    const origins = input.pods.filter(({ component, isLeaving }) => component === 'origin' && !isLeaving)
    const said = await Promise.all(
      origins.map(async (pod) => {
        const answer = await talk.ask(pod, { signal: turn.signal }).catch((err: unknown): HandOver | string => {
          if (turn.signal.aborted) throw err
          return toAppError(err).code
        })
        return [pod.name, answer] as const
      }),
    )
    return rolloutOf({ ...input, handOvers: new Map(said) })
  }

  async #talkWith({ place }: AccountTurn, admin: string, authority: string): Promise<OriginTalk> {
    if (this.#talk?.authority === authority && this.#talk.admin === admin) return this.#talk.talk
    await this.stop()
    const talk = await this.#components.talk({ place, admin, authority })
    this.#talk = { authority, admin, talk }
    return talk
  }

  async #act({ place, writes, signal, assertLeading }: AccountTurn, { act }: Rollout): Promise<void> {
    if (act.do === 'nothing') return
    const { name, uid } = act.pod
    if (act.do === 'replace') {
      await writes.remove(resources.pods, { name, namespace: place.namespace }, { uid, signal })
      return
    }
    assertLeading()
    await this.#talk?.talk.tell(act.pod, act.do, { signal })
  }

  #stuck(waits: string | undefined): Trouble | undefined {
    const nowMs = this.#components.clock.monotonicMs()
    if (waits === undefined) this.#waiting = undefined
    else if (this.#waiting?.words !== waits) this.#waiting = { words: waits, sinceMs: nowMs }
    if (this.#waiting === undefined || nowMs - this.#waiting.sinceMs < STUCK_MS) return undefined
    return { reason: 'RolloutStuck', message: `for more than 10 minutes: ${this.#waiting.words}` }
  }

  #tell(
    turn: AccountTurn,
    told: {
      readonly trouble?: Trouble | undefined
      readonly waits?: string | undefined
      readonly paused?: boolean
      readonly leaving?: boolean
      readonly counts?: ReturnType<typeof countsOf> | undefined
      readonly endpoints?: Observed['endpoints'] | undefined
      readonly version?: string | undefined
    },
  ): Promise<void> {
    const { trouble, waits, paused = false, leaving = false, counts, endpoints, version } = told
    const nowMs = this.#components.clock.now()
    return writeStatus(turn, { trouble, waits, paused, leaving, counts }, { nowMs, endpoints, version })
  }
}

const wantedOf = (spec: ControlPlaneSpec) => byComponent((name) => replicasOf(name, spec))

const countsIn = ({ pods }: Observed, spec: ControlPlaneSpec) => countsOf(pods, wantedOf(spec))

/** What of a failure is for the people of this account; undefined: it is not about the account. */
function troubleOf(err: unknown): Trouble | undefined {
  if (!isAppError(err)) return undefined
  if (err.code === 'ACCOUNT_BLOCKED') {
    const reason = troubleReasons.find((known) => known === err.detail?.['reason']) ?? 'SpecInvalid'
    return { reason, message: err.message }
  }
  // What the server does not take stays so until somebody changes something.
  if (hasCode(err, 'KUBE_INVALID', 'KUBE_FORBIDDEN'))
    return { reason: 'ApplyFailed', message: `${err.code}: ${err.message}` }
  return undefined
}
