import type { managerApi, RolloutAnswer } from '../../../lib/api/index.ts'
import { appError } from '../../../lib/base/index.ts'
import { numberIn } from './options.ts'
import { ageText, fields, spanText, table } from './sheet.ts'
import type { VerbOptions, VerbsOf } from './verb.ts'

type SettingVerbs = VerbsOf<
  Pick<
    typeof managerApi,
    | ('settingsSchema' | 'settings' | 'settingsOf' | 'setSettings' | 'settingVersions' | 'settingVersion')
    | ('settingsDiff' | 'settingsEffective' | 'settingsApplied' | 'settingsBehind')
    | ('steeredTrackers' | 'takeOverTrackers')
    | ('rollouts' | 'rollout' | 'rolloutEvents' | 'pauseRollout' | 'resumeRollout' | 'haltRollout' | 'rollBack')
  >
>

const ROLLOUT = '0mcq1x2y3-9f9f9f9f9f9f9f9f'

/** A line that tells how to get the next page; empty on the last page. */
const more = (next: string | undefined) => (next === undefined ? '' : `\n\nmore: --last ${next}`)

/** @throws CONFIG_INVALID */
function reasonIn({ reason }: VerbOptions): string {
  if (reason === undefined) throw appError('CONFIG_INVALID', { message: 'say why: --reason TEXT' })
  return reason
}

/** @throws CONFIG_INVALID */
function valuesIn({ values }: VerbOptions): Record<string, unknown> {
  try {
    return JSON.parse(values ?? '') as Record<string, unknown>
  } catch {
    throw appError('CONFIG_INVALID', { message: 'say what: --values \'{"KEY":VALUE}\'' })
  }
}

/** Steps as `1,10%,50%,100%`. @throws CONFIG_INVALID */
function stepsIn(text: string) {
  return text.split(',').map((word) => {
    const [, size, unit] = /^\s*(\d+(?:\.\d+)?)(%?)\s*$/.exec(word) ?? []
    if (size === undefined) throw appError('CONFIG_INVALID', { message: '--steps is written like 1,10%,50%,100%' })
    return unit === '%' ? { percent: Number(size) } : { hosts: Number(size) }
  })
}

const limitOptions = {
  soakSeconds: 'how long a step goes well before the next begins',
  applySeconds: 'how long hosts may take to apply it',
  maxRefused: 'hosts that may refuse it',
  gonePerHundred: 'of 100 hosts that have it, so many may go away',
  minPulls: 'a step waits until so many pulls have ended at its hosts',
  errorsPerHundred: 'so many more errors per 100 pulls are let pass',
  stallsPerHundred: 'so many more stalls per 100 pulls are let pass',
  chance: 'a rise counts when chance alone gives one as large less often than this',
}

/** @throws CONFIG_INVALID */
function setBody(options: VerbOptions) {
  const body = { values: valuesIn(options), reason: reasonIn(options) }
  const { steps } = options
  if (steps === undefined) return body
  const limits = Object.keys(limitOptions).flatMap((name) => {
    const value = numberIn(options, name)
    return value === undefined ? [] : [[name, value] as const]
  })
  const stays = options['keep'] === undefined ? {} : { rollBack: false }
  return { ...body, rollout: { steps: stepsIn(steps), ...Object.fromEntries(limits), ...stays } }
}

/** Empty for what is not there. */
const valueText = (value: unknown): string => (value === undefined ? '' : JSON.stringify(value))

const rolloutText = (rollout: RolloutAnswer, nowMs: number): string =>
  fields({
    'roll-out': rollout.id,
    settings: `${rollout.scope}/${rollout.kind}`,
    versions: `${rollout.from ?? 'none'} -> ${rollout.to}`,
    state: rollout.state + (rollout.halt === undefined ? '' : `: ${rollout.halt}`),
    step: `${rollout.step} of ${rollout.steps}`,
    [rollout.settled ? 'soaks' : 'waits']: `since ${ageText(rollout.sinceMs, nowMs)}`,
    soak: spanText(rollout.plan.soakSeconds * 1000),
    made: ageText(rollout.madeAtMs, nowMs),
    ended: ageText(rollout.endedAtMs, nowMs),
  })

const slotText = ({
  values,
  ...slot
}: { scope: string; kind: string; latest: number; wanted?: number | undefined } & {
  readonly values: Readonly<Record<string, unknown>>
  readonly rollout?: { readonly id: string; readonly state: string } | undefined
}) =>
  fields({
    settings: `${slot.scope}/${slot.kind}`,
    version: String(slot.latest),
    wanted: String(slot.wanted ?? '-'),
    'roll-out': slot.rollout === undefined ? '-' : `${slot.rollout.id} ${slot.rollout.state}`,
    ...Object.fromEntries(Object.entries(values).map(([key, value]) => [key, valueText(value)])),
  })

const countsText = ({ pulls, errors, stalls }: { pulls: number; errors: number; stalls: number }) =>
  `${pulls} pulls, ${errors} errors, ${stalls} stalls`

const trackersText = (
  trackers: readonly { readonly cluster: string; readonly tracker: string; readonly state: string }[],
) =>
  table(trackers as readonly { cluster: string; tracker: string; state: string; manager?: string; code?: string }[], [
    ['CLUSTER', ({ cluster }) => cluster],
    ['TRACKER', ({ tracker }) => tracker],
    ['STATE', ({ state }) => state],
    ['MANAGER', ({ manager }) => manager ?? '-'],
    ['ERROR', ({ code }) => code ?? '-'],
  ])

const reasonOptions = { reason: 'why, for whoever looks next' }

const act = (example: string, note?: string) => ({
  example: `${example} ${ROLLOUT} --reason "as agreed"`,
  ...(note !== undefined && { note }),
  options: reasonOptions,
  body: (options: VerbOptions) => ({ reason: reasonIn(options) }),
  show: rolloutText,
})

/** `shoal admin manager` about settings: one entry for each call of the API. */
export const settingVerbs: SettingVerbs = {
  settingsSchema: { example: 'settings-schema', show: (schema) => JSON.stringify(schema, null, 2) },
  settings: {
    example: 'settings',
    show: ({ settings, next }) =>
      table(settings, [
        ['SETTINGS', ({ scope, kind }) => `${scope}/${kind}`],
        ['VERSION', ({ latest }) => String(latest)],
        ['WANTED', ({ wanted }) => String(wanted ?? '-')],
        ['ROLL-OUT', ({ rollout }) => (rollout === undefined ? '-' : `${rollout.id} ${rollout.state}`)],
      ]) + more(next),
  },
  settingsOf: { example: 'settings-of zone:cn-beijing-a agent', show: slotText },
  setSettings: {
    example: `set-settings all agent --values '{"limits.download":"50MB/s"}' --reason "nights only" --steps 1,10%,100%`,
    note: 'These are all values of the scope: what is left out is as in a wider scope or in the files.',
    options: {
      values: 'all values of the scope, as JSON',
      ...reasonOptions,
      steps: 'hosts of each step, as 1,10%,100%; default: everywhere at once',
      ...limitOptions,
    },
    flags: { keep: 'after a halt hosts keep it until somebody takes it back' },
    body: setBody,
    show: slotText,
  },
  settingVersions: {
    example: 'setting-versions all agent',
    show: ({ versions, next }, nowMs) =>
      table(versions, [
        ['VERSION', ({ version }) => String(version)],
        ['WHEN', ({ atMs }) => ageText(atMs, nowMs)],
        ['BY', ({ author }) => author],
        ['REASON', ({ reason }) => reason],
        ['VALUES', ({ values }) => valueText(values)],
      ]) + more(next),
  },
  settingVersion: {
    example: 'setting-version 12',
    show: ({ version, scope, kind, values, author, reason, atMs }, nowMs) =>
      fields({
        ...{ version: String(version), settings: `${scope}/${kind}`, by: author, reason, made: ageText(atMs, nowMs) },
        ...Object.fromEntries(Object.entries(values).map(([key, value]) => [key, valueText(value)])),
      }),
  },
  settingsDiff: {
    example: 'settings-diff --from 12 --to all/agent',
    show: ({ changes }) =>
      table(changes, [
        ['KEY', ({ key }) => key],
        ['CHANGE', ({ change }) => change],
        ['FROM', ({ from }) => valueText(from)],
        ['TO', ({ to }) => valueText(to)],
      ]),
  },
  settingsEffective: {
    example: 'settings-effective --cluster near --host 10.0.0.7',
    show: ({ keys }) =>
      table(keys, [
        ['KEY', ({ key }) => key],
        ['VALUE', ({ value }) => valueText(value)],
        ['FROM', ({ scope }) => scope],
        ['VERSION', ({ version }) => String(version)],
      ]),
  },
  settingsApplied: {
    example: 'settings-applied all agent',
    show: ({ hosts, applied, behind, refused, codes, away }) =>
      fields({
        applied: `by ${applied} of ${hosts}`,
        behind: String(behind),
        refused: String(refused),
        why: Object.entries(codes)
          .map(([code, count]) => `${count} ${code}`)
          .join(', '),
        'clusters away': away.join(', ') || '-',
      }),
  },
  settingsBehind: {
    example: 'settings-behind all agent',
    show: ({ hosts, next }, nowMs) =>
      table(hosts, [
        ['CLUSTER', ({ cluster }) => cluster],
        ['HOST', ({ host }) => host],
        ['ADDRESS', ({ address }) => address ?? '-'],
        ['STATE', ({ state }) => state],
        ['RUNS', ({ generation }) => String(generation)],
        ['SEEN', ({ seenAtMs }) => ageText(seenAtMs, nowMs)],
        ['WHY', ({ code, message }) => [code, message].filter((each) => each !== undefined).join(': ') || '-'],
      ]) + more(next),
  },
  steeredTrackers: { example: 'steered-trackers', show: ({ trackers }) => trackersText(trackers) },
  takeOverTrackers: {
    example: 'take-over-trackers near --reason "the old manager is gone"',
    options: reasonOptions,
    body: (options) => ({ reason: reasonIn(options) }),
    show: ({ trackers }) => trackersText(trackers),
  },
  rollouts: {
    example: 'rollouts --state running',
    show: ({ rollouts, next }, nowMs) =>
      table(rollouts, [
        ['ROLL-OUT', ({ id }) => id],
        ['SETTINGS', ({ scope, kind }) => `${scope}/${kind}`],
        ['VERSION', ({ to }) => String(to)],
        ['STATE', ({ state, halt }) => state + (halt === undefined ? '' : `: ${halt}`)],
        ['STEP', ({ step, steps }) => `${step} of ${steps}`],
        ['MADE', ({ madeAtMs }) => ageText(madeAtMs, nowMs)],
      ]) + more(next),
  },
  rollout: {
    example: `rollout ${ROLLOUT}`,
    show: ({ history, ...rollout }, nowMs) =>
      [
        rolloutText(rollout, nowMs),
        table(history, [
          ['STEP', ({ step }) => String(step)],
          ['BEGAN', ({ beganAtMs }) => ageText(beganAtMs, nowMs)],
          ['HOSTS', ({ look }) => String(look?.hosts ?? '-')],
          ['BEHIND', ({ look }) => String(look?.behind ?? '-')],
          ['REFUSED', ({ look }) => String(look?.refused ?? '-')],
          ['THOSE', ({ look }) => (look === undefined ? '-' : countsText(look.those))],
          ['OTHERS', ({ look }) => (look === undefined ? '-' : countsText(look.others))],
        ]),
      ].join('\n\n'),
  },
  rolloutEvents: {
    example: `rollout-events ${ROLLOUT}`,
    show: ({ events, next }, nowMs) =>
      table(events, [
        ['WHEN', ({ atMs }) => ageText(atMs, nowMs)],
        ['WHO', ({ actor }) => actor],
        ['WHAT', ({ act: what }) => what],
        ['STEP', ({ step }) => String(step)],
        ['WHY', ({ reason }) => reason],
      ]) + more(next),
  },
  pauseRollout: act('pause-rollout'),
  resumeRollout: act('resume-rollout', 'A step that has halted begins anew.'),
  haltRollout: act('halt-rollout', 'Hosts that have the new version keep it until you roll back.'),
  rollBack: act('roll-back'),
}
