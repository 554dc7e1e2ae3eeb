import { byComponent, type Component, componentFacts, componentNames } from './component.ts'

/** A StatefulSet as it was seen. */
export interface SeenSet {
  readonly image: string
  readonly replicas: number
  /** Kubernetes has looked at what was applied last. */
  readonly isObserved: boolean
  readonly revision: string
}

export interface SeenPod {
  readonly name: string
  readonly uid: string
  readonly component: Component
  readonly ordinal: number
  readonly isReady: boolean
  readonly revision: string
  readonly isLeaving: boolean
  /** What it asks for: CPUs, and bytes. */
  readonly cpu: number
  readonly memory: number
  /** Why its container does not run, such as ImagePullBackOff. */
  readonly why: string | undefined
}

/** What an origin says of its blobs; a text says why it says nothing. */
export interface HandOver {
  readonly state: 'staying' | 'leaving' | 'left'
  /** Its last walk has ended. */
  readonly isWalked: boolean
  /** Blobs that only this origin has, and that no backend has. */
  readonly unsafe: number
  /** Looks of that walk that failed. */
  readonly failures: number
}

export interface RolloutInput {
  /** Of the version that is wanted. */
  readonly image: string
  /** As the spec has it. */
  readonly wanted: Readonly<Record<Component, number>>
  readonly sets: Readonly<Partial<Record<Component, SeenSet>>>
  readonly pods: readonly SeenPod[]
  /** By name of the pod; empty: nobody was asked. */
  readonly handOvers: ReadonlyMap<string, HandOver | string>
}

/** What is to be done now besides applying. */
export type RolloutAct =
  | { readonly do: 'nothing' }
  /** The pod goes, and comes again as its StatefulSet is now. */
  | { readonly do: 'replace'; readonly pod: SeenPod }
  /** The origin looks whether all its blobs are where they belong. */
  | { readonly do: 'walk' | 'leave' | 'stay'; readonly pod: SeenPod }

export interface Rollout {
  readonly images: Readonly<Record<Component, string>>
  readonly replicas: Readonly<Record<Component, number>>
  readonly act: RolloutAct
  /** What is waited for, in words; undefined: everything is as it is to be. */
  readonly waits: string | undefined
  /** It is about origins: then they are asked about their hand-over. */
  readonly asksOrigins: boolean
}

const NOTHING: RolloutAct = { do: 'nothing' }
type Step = Pick<Rollout, 'act' | 'waits'>
const waitFor = (waits: string, act: RolloutAct = NOTHING): Step => ({ act, waits })

/**
 * How far a rollout has come, and its next step: build-indexes first, then trackers, then origins, each only when those
 * before run the new version and are ready. Origins are replaced one after the other, and leave one after the other, each
 * only when no origin has anything that is nowhere else.
 */
export function rolloutOf(input: RolloutInput): Rollout {
  const { sets, wanted } = input
  const { images, blocker } = imagesOf(input)
  const before = sets.origin?.replicas ?? wanted.origin
  const step = originStep(input, before)
  const late = unsettled('origin', input)
  return {
    images,
    replicas: { ...wanted, origin: originsOf(step, { before, wanted: wanted.origin }) },
    // What works is not taken away while those that come first are not as they are to be.
    act: blocker !== undefined && step.act.do === 'replace' && step.act.pod.isReady ? NOTHING : step.act,
    waits: blocker ?? step.waits ?? late,
    asksOrigins: sets.origin !== undefined && (late !== undefined || before > wanted.origin),
  }
}

/** The image of each component now; and why those that come later keep theirs. */
function imagesOf(input: RolloutInput): Pick<Rollout, 'images'> & { readonly blocker: string | undefined } {
  const { image, sets } = input
  const images = new Map<Component, string>()
  let blocker: string | undefined
  for (const component of componentNames) {
    // What is not there yet has no version that it could keep.
    images.set(component, blocker === undefined ? image : (sets[component]?.image ?? image))
    if (component !== 'origin') blocker ??= unsettled(component, input)
  }
  return { images: byComponent((component) => images.get(component) ?? image), blocker }
}

/** Of too many origins one less, as soon as nothing is waited for: then the last one has left. */
function originsOf(
  { act, waits }: Step,
  { before, wanted }: { readonly before: number; readonly wanted: number },
): number {
  if (before <= wanted) return wanted
  return act.do === 'nothing' && waits === undefined ? before - 1 : before
}

const podsOf = (component: Component, { pods }: Pick<RolloutInput, 'pods'>) =>
  pods.filter((pod) => pod.component === component)

/** Why a component is not yet as it is to be. */
function unsettled(component: Component, input: RolloutInput): string | undefined {
  const { image, wanted, sets } = input
  const { many } = componentFacts[component]
  const set = sets[component]
  if (set === undefined) return `the ${many} do not exist yet`
  if (set.image !== image || !set.isObserved) return `the ${many} are about to become ${image}`
  const pods = podsOf(component, input)
  const good = pods.filter((pod) => pod.isReady && !pod.isLeaving && pod.ordinal < wanted[component])
  const current = good.filter(({ revision }) => revision === set.revision)
  if (current.length === wanted[component] && pods.length === wanted[component]) return undefined
  const ill = pods.find(({ why }) => why !== undefined)
  const because = ill === undefined ? '' : `; ${ill.name}: ${ill.why}`
  return `${current.length} of ${wanted[component]} ${many} are ready and up to date${because}`
}

/** The next step of the origins, whose template is already what it is to be. */
function originStep(input: RolloutInput, before: number): Step {
  const { image, wanted, sets } = input
  const set = sets.origin
  if (set === undefined || !set.isObserved) return waitFor('the origins are about to change')
  const pods = podsOf('origin', input)
  const going = pods.find(({ isLeaving }) => isLeaving)
  if (going !== undefined) return waitFor(`${going.name} is ending`)
  if (pods.length < set.replicas) return waitFor(`${pods.length} of ${set.replicas} origins exist`)
  const staying = pods.filter(({ ordinal }) => ordinal < wanted.origin)
  // An origin that was to leave, and is wanted after all.
  const returning = staying.find((pod) => stateOf(pod, input) !== 'staying' && stateOf(pod, input) !== undefined)
  if (returning !== undefined) return waitFor(`${returning.name} stays after all`, { do: 'stay', pod: returning })
  const outdated = staying.filter(({ revision }) => revision !== set.revision)
  const ill = staying.find(({ revision, isReady }) => revision === set.revision && !isReady)
  if (ill !== undefined) return waitFor(`${ill.name} is not ready${ill.why === undefined ? '' : `: ${ill.why}`}`)
  const broken = outdated.find(({ isReady }) => !isReady)
  // It serves nobody as it is, and its volume stays.
  if (broken !== undefined) return waitFor(`${broken.name} is replaced`, { do: 'replace', pod: broken })
  if (outdated.length === 0 && set.image === image && before > wanted.origin) return leavingStep(pods, before, input)
  const next = outdated.toSorted((a, b) => b.ordinal - a.ordinal)[0]
  if (next === undefined) return { act: NOTHING, waits: undefined }
  return unsafeStep(pods, input) ?? waitFor(`${next.name} is replaced`, { do: 'replace', pod: next })
}

function stateOf({ name }: SeenPod, { handOvers }: RolloutInput): HandOver['state'] | undefined {
  const said = handOvers.get(name)
  return typeof said === 'object' ? said.state : undefined
}

/** What stands against taking an origin away now: blobs that may be nowhere else. */
function unsafeStep(pods: readonly SeenPod[], { handOvers }: RolloutInput): Step | undefined {
  for (const pod of pods) {
    const said = handOvers.get(pod.name)
    if (typeof said !== 'object')
      return waitFor(`${pod.name} does not say what it hands over: ${said ?? 'not asked yet'}`)
    if (!said.isWalked) return waitFor(`${pod.name} hands over its blobs`)
    if (said.unsafe > 0 || said.failures > 0)
      return waitFor(`${pod.name} has ${said.unsafe} blobs that may be nowhere else`, { do: 'walk', pod })
  }
  return undefined
}

/** Of too many origins the last one leaves, and goes when it has left. */
function leavingStep(pods: readonly SeenPod[], before: number, input: RolloutInput): Step {
  const last = pods.find(({ ordinal }) => ordinal === before - 1)
  if (last === undefined) return { act: NOTHING, waits: undefined }
  const said = input.handOvers.get(last.name)
  if (typeof said !== 'object')
    return waitFor(`${last.name} does not say what it hands over: ${said ?? 'not asked yet'}`)
  if (said.state === 'staying') return waitFor(`${last.name} begins to leave`, { do: 'leave', pod: last })
  if (said.state === 'leaving') return waitFor(`${last.name} hands over its blobs and leaves`)
  return { act: NOTHING, waits: undefined }
}
