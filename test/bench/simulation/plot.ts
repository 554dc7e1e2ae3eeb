/** One line: how long each of some hosts took. */
export interface PlotLine {
  readonly label: string
  readonly finishMs: readonly number[]
}

/** A figure to compare with: this share of the hosts had ended by then. */
export interface PlotPoint {
  readonly label: string
  readonly share: number
  readonly seconds: number
}

const AREA = { left: 60, top: 20, width: 720, height: 380 } as const
const SIZE = { width: 820, height: 450 } as const
const COLOURS = ['#1f77b4', '#d62728', '#2ca02c', '#9467bd', '#ff7f0e', '#8c564b']
/** Steps of a line: enough for its shape, whatever the number of hosts. */
const MAX_STEPS = 400

/** An SVG of the distributions: which share of the hosts (upwards) had everything after how many seconds. */
export function distributionPlot(lines: readonly PlotLine[], points: readonly PlotPoint[]): string {
  const ends = [...lines.flatMap(({ finishMs }) => finishMs.filter(Number.isFinite)).map((ms) => ms / 1000)]
  const last = [...ends, ...points.map(({ seconds }) => seconds)].reduce((most, each) => Math.max(most, each), 1)
  const x = (seconds: number) => (AREA.left + (seconds / last) * AREA.width).toFixed(1)
  const y = (share: number) => (AREA.top + (1 - share) * AREA.height).toFixed(1)
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${SIZE.width} ${SIZE.height}" font-family="sans-serif" font-size="12">`,
    '<title>Share of the hosts that had everything, over seconds</title>',
    `<rect width="${SIZE.width}" height="${SIZE.height}" fill="white"/>`,
    ...[0, 0.25, 0.5, 0.75, 1].map((share) => rule(`M${x(0)} ${y(share)}H${x(last)}`, `${share * 100} %`, 8, y(share))),
    ...ticks(last).map((at) => rule(`M${x(at)} ${y(0)}V${y(1)}`, `${at} s`, x(at), SIZE.height - 30)),
    ...lines.map(({ finishMs }, index) => {
      const path = stepsOf(finishMs).map(([seconds, share]) => `L${x(seconds)} ${y(share)}`)
      return `<path d="M${x(0)} ${y(0)}${path.join('')}" fill="none" stroke="${colour(index)}" stroke-width="1.5"/>`
    }),
    ...lines.map(({ label }, index) => text(label, AREA.left + 10, 40 + 16 * index, colour(index))),
    ...points.map(({ share, seconds }) => `<circle cx="${x(seconds)}" cy="${y(share)}" r="4" fill="black"/>`),
    ...points.slice(0, 1).map(({ label }) => text(label, AREA.left + 10, 40 + 16 * lines.length, 'black')),
    '</svg>',
    '',
  ].join('\n')
}

/** Seconds and share of hosts, ascending. */
function stepsOf(finishMs: readonly number[]): readonly (readonly [number, number])[] {
  const sorted = finishMs.toSorted((a, b) => a - b)
  const every = Math.max(1, Math.floor(sorted.length / MAX_STEPS))
  return sorted.flatMap((ms, index) => {
    const isShown = Number.isFinite(ms) && (index % every === 0 || index === sorted.length - 1)
    return isShown ? [[ms / 1000, (index + 1) / sorted.length] as const] : []
  })
}

function ticks(last: number): readonly number[] {
  const step = Math.max(1, Math.ceil(last / 12))
  return Array.from({ length: Math.floor(last / step) + 1 }, (_, at) => at * step)
}

function rule(path: string, label: string, left: string | number, top: string | number): string {
  return `<path d="${path}" stroke="#ddd"/>${text(label, left, top, '#444')}`
}

function text(words: string, left: string | number, top: string | number, fill: string): string {
  const escaped = words.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
  return `<text x="${left}" y="${top}" fill="${fill}">${escaped}</text>`
}

function colour(index: number): string {
  return COLOURS[index % COLOURS.length] ?? 'black'
}
