import { useEffect, useRef } from 'preact/hooks'
import UPlot from 'uplot'
import { t } from '../i18n/index.ts'
import { language, theme } from '../state/here.ts'

export interface Series {
  readonly name: string
  readonly colour: 'accent' | 'good' | 'warn' | 'muted'
  /** Of each moment; undefined where nothing was measured. */
  readonly values: readonly (number | undefined)[]
}

interface ChartProps {
  readonly label: string
  readonly atMs: readonly number[]
  readonly series: readonly Series[]
  readonly write: (value: number) => string
}

function coloursOf(probe: HTMLElement, names: readonly string[]): readonly string[] {
  return names.map((name) => {
    probe.style.color = `var(--${name})`
    return getComputedStyle(probe).color
  })
}

const clockText = (atSeconds: number) =>
  new Date(atSeconds * 1000).toLocaleTimeString(language.peek() === 'zh' ? 'zh-CN' : 'en-GB', { timeStyle: 'short' })

function optionsOf({ series, write }: ChartProps, probe: HTMLElement, width: number): UPlot.Options {
  const colours = coloursOf(
    probe,
    series.map(({ colour }) => colour),
  )
  const [muted = '', line = ''] = coloursOf(probe, ['muted', 'line'])
  const axis = { stroke: muted, font: '11px system-ui', grid: { stroke: line, width: 1 }, ticks: { show: false } }
  return {
    ...{ width, height: 180 },
    scales: { y: { range: (_plot, _min, max) => [0, max > 0 ? max * 1.1 : 1] } },
    axes: [
      { ...axis, values: (_plot, ticks) => ticks.map((at) => clockText(at)) },
      { ...axis, size: 78, values: (_plot, ticks) => ticks.map(write) },
    ],
    series: [
      { label: t('overview.time'), value: (_plot, at) => ((at as number | null) === null ? '–' : clockText(at)) },
      ...series.map(({ name }, i) => ({
        ...{ label: name, stroke: colours[i] ?? '', width: 1.6, points: { show: false } },
        fill: i === 0 ? (colours[i] ?? '').replace('rgb(', 'rgba(').replace(')', ', 0.12)') : '',
        value: (_plot: unknown, value: number | null) => (value == null ? '–' : write(value)),
      })),
    ],
  }
}

/** Numbers over time. Its last values stand in words above it, so the picture itself says nothing new. */
export function Chart(props: ChartProps) {
  const at = useRef<HTMLDivElement>(null)
  const probe = useRef<HTMLSpanElement>(null)
  const plot = useRef<UPlot | undefined>(undefined)
  const data: UPlot.AlignedData = [
    props.atMs.map((ms) => ms / 1000),
    ...props.series.map(({ values }) => values.map((value) => value ?? null)),
  ]
  const look = `${theme.value}/${language.value}/${props.series.length}`
  useEffect(() => {
    const [place, sample] = [at.current, probe.current]
    if (place === null || sample === null) return undefined
    const made = new UPlot(optionsOf(props, sample, place.clientWidth), data, place)
    plot.current = made
    const size = new ResizeObserver(() => made.setSize({ width: place.clientWidth, height: 180 }))
    size.observe(place)
    return () => {
      size.disconnect()
      made.destroy()
    }
  }, [look])
  useEffect(() => plot.current?.setData(data), [props.atMs.at(-1)])
  return (
    <figure>
      <div ref={at} role="img" aria-label={props.label} />
      <span class="probe" ref={probe} aria-hidden="true" />
    </figure>
  )
}
