const two = (value: number) => String(value).padStart(2, '0')

/** A moment as a field for a minute has it, in the time of the browser. */
export function minuteText(atMs: number): string {
  const at = new Date(atMs)
  const day = `${String(at.getFullYear()).padStart(4, '0')}-${two(at.getMonth() + 1)}-${two(at.getDate())}`
  return `${day}T${two(at.getHours())}:${two(at.getMinutes())}`
}

/** The moment that such a field says; undefined for a text that says none. */
export function momentOf(text: string): number | undefined {
  const ms = /^\d{4}-\d\d-\d\dT\d\d:\d\d/.test(text) ? new Date(text).getTime() : Number.NaN
  return Number.isNaN(ms) || ms < 0 ? undefined : ms
}
