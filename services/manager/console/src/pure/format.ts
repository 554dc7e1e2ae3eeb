/** How numbers, sizes and times are written in a language (a BCP 47 tag). */
export interface Format {
  readonly number: (value: number) => string
  readonly percent: (part: number, whole: number) => string
  readonly size: (bytes: number) => string
  readonly rate: (bytesPerSecond: number) => string
  /** A length of time. */
  readonly span: (ms: number) => string
  /** How long ago, or in how long. */
  readonly since: (atMs: number, nowMs: number) => string
  readonly moment: (atMs: number) => string
}

const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const
const steps = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
] as const

export function formatFor(language: string): Format {
  const whole = new Intl.NumberFormat(language, { maximumFractionDigits: 0 })
  const tenth = new Intl.NumberFormat(language, { maximumFractionDigits: 1 })
  const share = new Intl.NumberFormat(language, { style: 'percent', maximumFractionDigits: 0 })
  const relative = new Intl.RelativeTimeFormat(language, { numeric: 'auto', style: 'short' })
  const date = new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'medium' })
  const unit = (name: string) =>
    new Intl.NumberFormat(language, { style: 'unit', unit: name, unitDisplay: 'short', maximumFractionDigits: 1 })
  const lengths = Object.fromEntries(
    ['day', 'hour', 'minute', 'second', 'millisecond'].map((name) => [name, unit(name)]),
  )

  const size = (bytes: number): string => {
    const step = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log(bytes) / Math.log(1024) + 1e-9))
    const value = bytes / 1024 ** step
    return `${(value < 100 && step > 0 ? tenth : whole).format(value)} ${units[step] ?? ''}`
  }

  return {
    number: (value) => tenth.format(value),
    percent: (part, total) => (total > 0 ? share.format(part / total) : '–'),
    size,
    rate: (bytesPerSecond) => `${size(bytesPerSecond)}/s`,
    span(ms) {
      const [name, length] =
        steps.find(([, each]) => ms >= each) ?? (ms >= 1000 ? ['second', 1000] : ['millisecond', 1])
      return lengths[name]?.format(name === 'millisecond' ? Math.round(ms) : ms / length) ?? ''
    },
    since(atMs, nowMs) {
      const ms = atMs - nowMs
      const [name, length] = steps.find(([, each]) => Math.abs(ms) >= each) ?? (['second', 1000] as const)
      return relative.format(Math.round(ms / length), name)
    },
    moment: (atMs) => date.format(atMs),
  }
}

/** The beginning of a digest or an id, as much as tells it from others. */
export function shortId(text: string): string {
  const hex = text.startsWith('sha256:') ? text.slice(7) : text
  return /^[0-9a-f]{16,}$/.test(hex) ? hex.slice(0, 12) : text
}
