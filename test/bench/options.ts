import { parseArgs } from 'node:util'

/**
 * Reads `--name 1,2` for each name of `defaults`: lists of numbers above 0, whose other values are the defaults.
 * @throws on another flag or value
 */
export function numberOptions<Name extends string>(
  args: readonly string[],
  defaults: Readonly<Record<Name, readonly number[]>>,
): Readonly<Record<Name, readonly number[]>> {
  const names = Object.keys(defaults) as Name[]
  const options = Object.fromEntries(names.map((name) => [name, { type: 'string' }] as const))
  const values = parseArgs({ args: [...args], options }).values
  const numbersOf = (name: Name): readonly number[] =>
    values[name]?.split(',').map((text) => above0(name, text)) ?? defaults[name]
  return Object.fromEntries(names.map((name) => [name, numbersOf(name)])) as Record<Name, readonly number[]>
}

/** The number that the text of `--name` means. @throws on any other text */
export function above0(name: string, text: string): number {
  const value = Number(text)
  if (Number.isFinite(value) && value > 0) return value
  throw new Error(`--${name} must be a number above 0, not "${text}"`)
}

/** One number for each name, by the same rules. */
export function sizeOptions<Name extends string>(
  args: readonly string[],
  defaults: Readonly<Record<Name, number>>,
): Readonly<Record<Name, number>> {
  const names = Object.keys(defaults) as Name[]
  const lists = numberOptions(
    args,
    Object.fromEntries(names.map((name) => [name, [defaults[name]]])) as Record<Name, number[]>,
  )
  const one = (name: Name): number => {
    const [value, ...more] = lists[name]
    if (value === undefined || more.length > 0) throw new Error(`--${name} takes one number`)
    return value
  }
  return Object.fromEntries(names.map((name) => [name, one(name)])) as Record<Name, number>
}
