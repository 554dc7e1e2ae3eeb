import type { PullRow, TracedPull } from '../../../lib/api/index.ts'
import { type WaitSide, waitCauses } from '../../../lib/core/index.ts'
import { ageText, rateText, sizeText, table } from '../admin/sheet.ts'

type Wait = TracedPull['waits'][number]
type Source = TracedPull['sources'][number]
type Named = Pick<Source, 'address' | 'role' | 'name'>

/** Milliseconds as people say them: `340 ms`, `14.2 s`. */
export function timeText(ms: number): string {
  return ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(1)} s`
}

const percent = (part: number, whole: number) => (whole > 0 ? Math.round((100 * part) / whole) : 0)
const short = (reference: string) => (reference.startsWith('sha256:') ? reference.slice(0, 19) : reference)
const count = (n: number, one: string) => `${n} ${one}${n === 1 ? '' : 's'}`

function nameText({ role, name, address }: Named): string {
  if (name !== undefined) return `${name} (${address})`
  return role === 'origin' ? `the origin at ${address}` : `the peer at ${address}`
}

/** What a wait was for, as the end of "it waited for". */
export function waitText({ cause, from }: Pick<Wait, 'cause' | 'from'>): string {
  return waitCauses[cause].text.replace('{from}', from === undefined ? 'an origin' : nameText(from))
}

const outcomes: Readonly<Record<string, string>> = {
  done: 'done',
  running: 'still running',
  unread: 'only its size was asked for',
  left: 'the client went away before the end',
}

const outcomeText = (outcome: string) => outcomes[outcome] ?? `failed with ${outcome}`

const total = ({ bytes }: Pick<TracedPull, 'bytes'>) => bytes.peer + bytes.origin + bytes.http + bytes.cache

/** A pull as a table shows it; of an image it is said which part of it the blob is. */
type ShownPull = Omit<PullRow, 'kind'> & { readonly kind: string }

/** Pulls as a table. */
export function pullTable(pulls: readonly ShownPull[], nowMs: number): string {
  return table(pulls, [
    ['PULL', ({ id }) => id],
    ['KIND', ({ kind }) => kind],
    ['WHAT', ({ repository, reference }) => `${repository} ${short(reference)}`],
    ['CLASS', ({ class: pullClass }) => pullClass],
    ['SIZE', ({ size }) => (size === undefined ? '-' : sizeText(size))],
    ['BEGAN', ({ startedAtMs }) => ageText(startedAtMs, nowMs)],
    ['TOOK', ({ totalMs }) => timeText(totalMs)],
    ['OUTCOME', ({ outcome }) => outcome],
    ['WAITED MOST', ({ longestWait: wait }) => (wait === undefined ? '-' : `${wait.cause} ${timeText(wait.ms)}`)],
  ])
}

function headline(pull: TracedPull): string {
  const { kind, repository, reference, size, totalMs, firstByteMs, outcome, application } = pull
  const facts = [
    outcomeText(outcome),
    `${timeText(totalMs)}${size === undefined ? '' : ` for ${sizeText(size)}`}`,
    ...(outcome === 'done' && size !== undefined && totalMs > 0 ? [rateText((size / totalMs) * 1_000)] : []),
    ...(firstByteMs === undefined ? [] : [`first byte after ${timeText(firstByteMs)}`]),
    `class ${pull.class}`,
    ...(application === undefined ? [] : [`for the application ${application}`]),
  ]
  return `${pull.id}: ${kind} ${short(reference)} of ${repository}: ${facts.join(', ')}`
}

function waitLine(wait: Wait, totalMs: number): string {
  const holders = wait.holders > 1 ? `; ${wait.holders} connected peers had it` : ''
  return `  ${percent(wait.ms, totalMs)} % of ${timeText(totalMs)} (${timeText(wait.ms)}) it waited for ${waitText(wait)}${holders}`
}

const sides: Readonly<Record<WaitSide, string>> = {
  cluster: 'the services of the cluster: tracker, origins, build-index',
  peers: 'the peers that give pieces, agents and origins, and the network between',
  node: 'this node itself',
  client: 'nobody: the client had its bytes as fast as it took them',
}

/** In whose hands most of the time lay. */
export function sideOf(waits: readonly Pick<Wait, 'cause' | 'ms'>[]): WaitSide {
  const sums: Record<WaitSide, number> = { client: 0, peers: 0, cluster: 0, node: 0 }
  for (const { cause, ms } of waits) sums[waitCauses[cause].side] += ms
  const [[side] = ['client' as const]] = Object.entries(sums).sort(([, a], [, b]) => b - a) as [WaitSide, number][]
  return side
}

function sourceLine(source: Source): string {
  const { bytes, bytesPerSecond, outrun, late, refused, repeats, wrong } = source
  const deeds = [
    `gave ${sizeText(bytes)}${bytesPerSecond === undefined ? '' : `, lately ${rateText(bytesPerSecond)}`}`,
    ...(wrong > 0 ? [`${count(wrong, 'piece')} with bytes from it ${wrong === 1 ? 'was' : 'were'} wrong`] : []),
    ...(outrun > 0 ? [`${count(outrun, 'block')} asked of it came sooner from another`] : []),
    ...(late > 0 ? [`did not answer in time ${count(late, 'time')}`] : []),
    ...(refused > 0 ? [`refused ${count(refused, 'request')}`] : []),
    ...(repeats > 0 ? [`was asked for ${count(repeats, 'block')} that another was late with`] : []),
  ]
  return `  ${nameText(source)} ${deeds.join('; ')}`
}

function bytesLine({ bytes }: TracedPull): string {
  const parts = [
    ['from agents', bytes.peer],
    ['from origins', bytes.origin],
    ['over HTTP', bytes.http],
    ['here before', bytes.cache],
  ] as const
  const given = parts.filter(([, count]) => count > 0).map(([what, count]) => `${sizeText(count)} ${what}`)
  return `It came: ${given.join(', ')}.`
}

/** Waits below this share of the time are not worth a line, except the longest. */
const LEAST_PERCENT = 2
const MAX_SOURCES = 12

/** Why one pull took as long as it did, in plain words. */
export function explainText(pull: TracedPull): string {
  const { totalMs, waits, sources, lastStepFailed } = pull
  const told = waits.filter(({ ms }, at) => at === 0 || percent(ms, totalMs) >= LEAST_PERCENT)
  const trouble = (source: Source) => source.wrong * 1e12 + (source.late + source.outrun) * 1e6 + source.refused
  const ranked = sources.toSorted((a, b) => trouble(b) - trouble(a) || b.bytes - a.bytes)
  const more = ranked.length - MAX_SOURCES
  return [
    headline(pull),
    ...told.map((wait) => waitLine(wait, totalMs)),
    `Most of its time lay with ${sides[sideOf(waits)]}.`,
    ...(total(pull) > 0 ? [bytesLine(pull)] : []),
    ...ranked.slice(0, MAX_SOURCES).map(sourceLine),
    ...(more > 0 ? [`  and ${count(more, 'other peer')}`] : []),
    ...(lastStepFailed === undefined ? [] : [`The last step that failed: ${lastStepFailed}.`]),
  ].join('\n')
}
