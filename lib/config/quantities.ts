import { appError } from '../base/index.ts'

const milliseconds: ReadonlyMap<string, number> = new Map(
  Object.entries({
    ms: 1,
    s: 1000,
    m: 60_000,
    h: 3_600_000,
    d: 86_400_000,
  }),
)

const byteUnits: ReadonlyMap<string, number> = new Map(
  Object.entries({
    B: 1,
    kB: 1e3,
    KB: 1e3,
    MB: 1e6,
    GB: 1e9,
    TB: 1e12,
    KiB: 2 ** 10,
    MiB: 2 ** 20,
    GiB: 2 ** 30,
    TiB: 2 ** 40,
  }),
)

const parseQuantity = (text: string, units: ReadonlyMap<string, number>): number | undefined => {
  const match = /^(\d+(?:\.\d+)?)\s*([A-Za-z]+)$/.exec(text.trim())
  const unit = units.get(match?.[2] ?? '')
  return match === null || unit === undefined ? undefined : Math.round(Number(match[1]) * unit)
}

/** Parses `250ms`, `5s`, `30m`, `2h`, `1d` to milliseconds. @throws CONFIG_INVALID */
export function parseDuration(text: string): number {
  const parsed = text.trim() === '0' ? 0 : parseQuantity(text, milliseconds)
  if (parsed === undefined) {
    throw appError('CONFIG_INVALID', { message: `"${text}" is not a duration; write it like 250ms, 5s, 30m, 2h or 1d` })
  }
  return parsed
}

/** Parses `512B`, `20MB` (decimal), `64MiB` (binary) to bytes. @throws CONFIG_INVALID */
export function parseBytes(text: string): number {
  const parsed = /^\d+$/.test(text.trim()) ? Number(text) : parseQuantity(text, byteUnits)
  if (parsed === undefined) {
    throw appError('CONFIG_INVALID', { message: `"${text}" is not a size; write it like 512B, 20MB or 64MiB` })
  }
  return parsed
}

/** Parses `20MB/s` to bytes per second, and `unlimited` to undefined. @throws CONFIG_INVALID */
export function parseRate(text: string): number | undefined {
  if (text.trim() === 'unlimited') return undefined
  const size = /^(.+?)\s*\/\s*s$/.exec(text.trim())?.[1]
  const rate = size === undefined ? undefined : parseBytes(size)
  if (rate === undefined || rate <= 0) {
    throw appError('CONFIG_INVALID', { message: `"${text}" is not a rate; write it like 20MB/s, or unlimited` })
  }
  return rate
}
