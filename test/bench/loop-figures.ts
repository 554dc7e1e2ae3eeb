import { median } from './measure.ts'

/** Delays of one event loop during one pull, in milliseconds. */
export interface Delays {
  readonly p50: number
  readonly p99: number
  readonly max: number
}

/** The delays in a Prometheus text. @throws when one is missing */
export function delaysIn(text: string): Delays {
  const value = (of: keyof Delays) => {
    const found = new RegExp(`^nodejs_eventloop_lag_${of}_seconds (\\S+)$`, 'm').exec(text)?.[1]
    if (found === undefined) throw new Error(`the metrics have no delay ${of} of the event loop`)
    return Number(found) * 1000
  }
  return { p50: value('p50'), p99: value('p99'), max: value('max') }
}

export const loopColumns = [
  'load',
  'process',
  'p50 ms',
  'longest ms',
  'largest p99 ms',
  'p99 ms',
  'must reach',
] as const

/** A row for each kind of process that was watched under one load. */
export function loopRows(
  load: string,
  { busy, idle, bare }: Readonly<Record<'busy' | 'idle' | 'bare', readonly Delays[]>>,
): readonly (readonly string[])[] {
  const row = (process: string, delays: readonly Delays[], bound: string) => {
    if (delays.length === 0) return []
    const of = (pick: keyof Delays) => delays.map((each) => each[pick])
    const figures = [median(of('p50')), Math.max(...of('max')), Math.max(...of('p99')), median(of('p99'))]
    return [[load, process, ...figures.map((figure) => figure.toFixed(1)), bound]]
  }
  return [
    ...row('an agent that pulls', busy, '<= 20'),
    ...row('an idle agent', idle, ''),
    ...row('a bare node process', bare, ''),
  ]
}
