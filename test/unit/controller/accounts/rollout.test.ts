import { expect, test } from '@jest/globals'
import {
  byComponent,
  type Component,
  componentFacts,
} from '../../../../services/controller/accounts/rules/component.ts'
import {
  type HandOver,
  type RolloutInput,
  rolloutOf,
  type SeenPod,
} from '../../../../services/controller/accounts/rules/rollout.ts'

const wanted = { buildIndex: 2, tracker: 2, origin: 3 }
const SAFE: HandOver = { state: 'staying', isWalked: true, unsafe: 0, failures: 0 }

const pod = (component: Component, ordinal: number, more: Partial<SeenPod> = {}): SeenPod => ({
  ...{ name: `${componentFacts[component].name}-${ordinal}`, uid: `${component}${ordinal}`, component, ordinal },
  ...{ isReady: true, revision: 'now', isLeaving: false, cpu: 0.5, memory: 2 ** 30, why: undefined },
  ...more,
})

const all = (component: Component, more: Partial<SeenPod> = {}, count = wanted[component]) =>
  Array.from({ length: count }, (_, ordinal) => pod(component, ordinal, more))

/** Everything as it is to be, with some changes. */
const input = (change: Partial<RolloutInput> = {}): RolloutInput => ({
  ...{ image: 'i:2', wanted },
  sets: byComponent((component) => ({ image: 'i:2', replicas: wanted[component], isObserved: true, revision: 'now' })),
  pods: [...all('buildIndex'), ...all('tracker'), ...all('origin')],
  handOvers: new Map(all('origin').map(({ name }) => [name, SAFE])),
  ...change,
})
const others = [...all('buildIndex'), ...all('tracker')]
const origins = (...pods: readonly SeenPod[]) => ({ pods: [...others, ...pods] })
const said = (name: string, what: HandOver | string) =>
  new Map<string, HandOver | string>([...all('origin', {}, 4).map((each) => [each.name, SAFE] as const), [name, what]])
const old = { revision: 'old' }

test('of what is as it is to be, nothing is done, and no origin is asked', () => {
  expect(rolloutOf(input())).toMatchObject({ act: { do: 'nothing' }, waits: undefined, asksOrigins: false })
})

test('of what is not there, all begins at once with the new image', () => {
  const { images, replicas, waits } = rolloutOf(input({ sets: {}, pods: [] }))
  expect([images, replicas]).toEqual([byComponent(() => 'i:2'), wanted])
  expect(waits).toBe('the build-indexes do not exist yet')
})

test.each([
  ['the build-indexes', 'buildIndex', ['i:2', 'i:1', 'i:1']],
  ['the trackers', 'tracker', ['i:2', 'i:2', 'i:1']],
] as const)('while %s are not up to date, what comes later keeps its image', (_, late, expected) => {
  const sets = byComponent((component) => ({
    ...{ image: 'i:1', replicas: wanted[component], isObserved: true, revision: 'now' },
    ...((component === late || component === 'buildIndex') && { image: 'i:2' }),
  }))
  const pods = [...all('buildIndex'), ...all('tracker'), ...all('origin')].map((each) =>
    each.component === late ? { ...each, revision: each.ordinal === 0 ? 'old' : 'now' } : each,
  )
  const { images } = rolloutOf(input({ sets, pods }))
  expect([images.buildIndex, images.tracker, images.origin]).toEqual(expected)
})

test.each<readonly [string, Partial<RolloutInput>, object, RegExp | undefined]>([
  [
    'the last outdated one first',
    origins(...all('origin', old)),
    { do: 'replace', pod: { ordinal: 2 } },
    /origin-2 is replaced/,
  ],
  [
    'one at a time',
    origins(pod('origin', 0, old), pod('origin', 1, old), pod('origin', 2, { isLeaving: true })),
    { do: 'nothing' },
    /origin-2 is ending/,
  ],
  [
    'none while one is missing',
    origins(pod('origin', 0, old), pod('origin', 1, old)),
    { do: 'nothing' },
    /2 of 3 origins exist/,
  ],
  [
    'none while a new one is not ready',
    origins(
      pod('origin', 0, old),
      pod('origin', 1, old),
      pod('origin', 2, { isReady: false, why: 'CrashLoopBackOff' }),
    ),
    { do: 'nothing' },
    /origin-2 is not ready: CrashLoopBackOff/,
  ],
  [
    'a broken one first',
    origins(pod('origin', 0, { ...old, isReady: false }), pod('origin', 1, old), pod('origin', 2, old)),
    { do: 'replace', pod: { ordinal: 0 } },
    /origin-0/,
  ],
  [
    'none while one says nothing',
    { ...origins(...all('origin', old)), handOvers: said('origin-1', 'REQUEST_TIMEOUT') },
    { do: 'nothing' },
    /origin-1 does not say .* REQUEST_TIMEOUT/,
  ],
  [
    'none while one walks',
    { ...origins(...all('origin', old)), handOvers: said('origin-0', { ...SAFE, isWalked: false }) },
    { do: 'nothing' },
    /origin-0 hands over/,
  ],
  [
    'none while one has what is nowhere else',
    { ...origins(...all('origin', old)), handOvers: said('origin-0', { ...SAFE, unsafe: 2 }) },
    { do: 'walk', pod: { ordinal: 0 } },
    /2 blobs/,
  ],
  [
    'none while a walk has failed in part',
    { ...origins(...all('origin', old)), handOvers: said('origin-0', { ...SAFE, failures: 1 }) },
    { do: 'walk', pod: { ordinal: 0 } },
    /origin-0/,
  ],
  [
    'none that works while trackers are not ready',
    { pods: [...all('buildIndex'), pod('tracker', 0), ...all('origin', old)] },
    { do: 'nothing' },
    /1 of 2 trackers/,
  ],
  [
    'one stays that was to leave',
    {
      ...origins(...all('origin')),
      handOvers: said('origin-2', { ...SAFE, state: 'left' }),
      pods: [...others, pod('origin', 0), pod('origin', 1), pod('origin', 2, { isReady: false })],
    },
    { do: 'stay', pod: { ordinal: 2 } },
    /stays after all/,
  ],
])('origins are replaced: %s', (_, change, act, waits) => {
  const rollout = rolloutOf(input(change))
  expect(rollout.act).toMatchObject(act)
  expect(rollout.waits).toEqual(waits === undefined ? undefined : expect.stringMatching(waits))
  expect(rollout.replicas.origin).toBe(3)
})

test.each<readonly [HandOver | string, object, number]>([
  [SAFE, { do: 'leave', pod: { ordinal: 3 } }, 4],
  [{ ...SAFE, state: 'leaving' }, { do: 'nothing' }, 4],
  ['PEER_CLOSED', { do: 'nothing' }, 4],
  [{ ...SAFE, state: 'left' }, { do: 'nothing' }, 3],
])('of too many origins, the last one goes only when it has left: %j', (what, act, replicas) => {
  const sets = { ...input().sets, origin: { image: 'i:2', replicas: 4, isObserved: true, revision: 'now' } }
  const rollout = rolloutOf(input({ sets, ...origins(...all('origin', {}, 4)), handOvers: said('origin-3', what) }))
  expect(rollout).toMatchObject({ act, replicas: { origin: replicas }, asksOrigins: true })
})
