import { readFile } from 'node:fs/promises'
import type { BodyOf, SteeredGroup, trackerAdmin } from '../../../lib/api/index.ts'
import { appError, codeOf } from '../../../lib/base/index.ts'
import { ageText, fields, table } from './sheet.ts'
import { holdsText, more } from './tracker-words.ts'
import type { VerbOptions, VerbsOf } from './verb.ts'

type SteeringCalls = Pick<typeof trackerAdmin, 'steering' | 'steer' | 'unsteer' | 'steeringHosts' | 'steeringSummary'>

interface Held {
  readonly term: number
  readonly generation: number
  readonly atMs: number
  readonly by: string
  readonly document?: BodyOf<typeof trackerAdmin.steer> | undefined
  readonly tracker: {
    readonly state: string
    readonly code?: string | undefined
    readonly message?: string | undefined
  }
}

const scopeText = ({ scope, share }: Layer) => {
  const where =
    scope.all === true ? 'all' : scope.zone === undefined ? `${scope.hosts?.length ?? 0} named` : `zone ${scope.zone}`
  if (share === undefined) return where
  return `${where}, of them ${share.percent === undefined ? `${share.hosts?.length ?? 0} named` : `${share.percent} %`}`
}

interface Layer {
  readonly id: string
  readonly kind: string
  readonly generation: number
  readonly values: unknown
  readonly scope: { readonly all?: true; readonly zone?: string; readonly hosts?: readonly unknown[] }
  readonly share?: { readonly hosts?: readonly unknown[]; readonly percent?: number }
}

function heldText({ document, generation, atMs, by, tracker }: Held, nowMs: number): string {
  const state = tracker.code === undefined ? tracker.state : `${tracker.state}: ${tracker.message ?? tracker.code}`
  if (document === undefined) return fields({ manager: '-', generation: '0', 'this tracker': state })
  const head = fields({
    manager: document.manager,
    generation: String(generation),
    given: `${ageText(atMs, nowMs)}, to ${by}`,
    'this tracker': state,
  })
  const layers = document.layers as readonly Layer[]
  return [
    head,
    table(layers, [
      ['LAYER', ({ id }) => id],
      ['FOR', ({ kind }) => kind],
      ['WHERE', scopeText],
      ['SINCE', (layer) => String(layer.generation)],
      ['VALUES', ({ values }) => JSON.stringify(values)],
    ]),
  ].join('\n\n')
}

/** @throws CONFIG_INVALID */
async function documentIn({ file }: VerbOptions): Promise<BodyOf<typeof trackerAdmin.steer>> {
  if (file === undefined) throw appError('CONFIG_INVALID', { message: 'say which document: --file PATH' })
  try {
    return JSON.parse(await readFile(file, 'utf8')) as BodyOf<typeof trackerAdmin.steer>
  } catch (err) {
    const why = codeOf(err) ?? 'it is not JSON'
    throw appError('CONFIG_INVALID', { message: `${file} cannot be read as a document: ${why}`, cause: err })
  }
}

const statesText = ({ hosts, states }: SteeredGroup) =>
  `applied by ${states.applied} of ${hosts}${Object.entries(states)
    .filter(([state, count]) => state !== 'applied' && count > 0)
    .map(([state, count]) => `, ${count} ${state}`)
    .join('')}`

const healthText = ({ health }: Pick<SteeredGroup, 'health'>) =>
  `${health.done} done, ${health.failed} failed, of them ${health.stalled} stalled`

const DOCUMENT = 'settings.json'

/** How a fleet is steered. */
export const steeringVerbs: VerbsOf<SteeringCalls> = {
  steering: { example: 'steering', show: heldText },
  steer: {
    example: `steer --file ${DOCUMENT}`,
    note: 'Every tracker gets it, and hands it out. Its generation must be later than the one that is held.',
    options: { file: 'the document as JSON: manager, generation and layers' },
    body: documentIn,
    show: ({ holds, ...held }, nowMs) => `${heldText(held, nowMs)}\n\n${holdsText(holds)}`,
  },
  unsteer: {
    example: 'unsteer',
    note: 'What admins have set at trackers holds again, and everywhere else what the files say.',
    show: ({ holds }) => holdsText(holds),
  },
  steeringHosts: {
    example: 'steering-hosts --state failed',
    show: ({ hosts, next }, nowMs) =>
      table(hosts, [
        ['HOST', ({ id }) => id],
        ['KIND', ({ kind }) => kind],
        ['ADDRESS', ({ address }) => address],
        ['ZONE', ({ zone }) => zone ?? '-'],
        ['LABEL', ({ label }) => label ?? '-'],
        ['SHOAL', ({ shoal }) => shoal ?? '-'],
        ['STATE', ({ state, code }) => (code === undefined ? state : `${state}: ${code}`)],
        ['GENERATION', ({ generation }) => String(generation)],
        ['PULLS', ({ health }) => (health === undefined ? '-' : `${health.done} done, ${health.failed} failed`)],
        ['SEEN', ({ seenAtMs }) => ageText(seenAtMs, nowMs)],
      ]) + more(next),
  },
  steeringSummary: {
    example: 'steering-summary',
    show: ({ manager, generation, all, generations, failures, layers }) =>
      [
        fields({
          manager: manager ?? '-',
          generation: String(generation),
          hosts: statesText(all),
          pulls: healthText(all),
          runs: generations.map((each) => `${each.generation}: ${each.hosts}`).join(', ') || '-',
          failures: Object.entries(failures)
            .map(([code, count]) => `${count} ${code}`)
            .join(', '),
        }),
        table(layers, [
          ['LAYER', ({ id }) => id],
          ['FOR', ({ kind }) => kind],
          ['WITH', (layer) => statesText(layer.with)],
          ['PULLS WITH', (layer) => healthText(layer.with)],
          ['PULLS WITHOUT', (layer) => healthText(layer.without)],
        ]),
      ].join('\n\n'),
  },
}
