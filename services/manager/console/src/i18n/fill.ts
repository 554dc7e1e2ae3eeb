export type Values = Readonly<Record<string, string | number>>

interface Speech {
  readonly language: string
  readonly number: (value: number) => string
}

/**
 * Fills values into a text. `{name}` is the value; `{name|one apple|{name} apples}` chooses by the plural rules of the
 * language, the first for `one` and the second for all others.
 */
export function textOf(text: string, values: Values, { language, number }: Speech): string {
  const write = (name: string) => {
    const value = values[name]
    return typeof value === 'number' ? number(value) : (value ?? '')
  }
  const chosen = text.replace(
    /\{(\w+)\|([^|{}]*(?:\{\w+\}[^|{}]*)*)\|([^|{}]*(?:\{\w+\}[^|{}]*)*)\}/g,
    (_, name: string, one: string, other: string) =>
      new Intl.PluralRules(language).select(Number(values[name] ?? 0)) === 'one' ? one : other,
  )
  return chosen.replace(/\{(\w+)\}/g, (_, name: string) => write(name))
}
