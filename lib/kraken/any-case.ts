/**
 * The same JSON with the keys of all its objects in lower case: Kraken reads keys in any case, and some clients rely on
 * it. Of keys that differ in nothing else the last one counts.
 */
export function keysInLowerCase(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(keysInLowerCase)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key.toLowerCase(), keysInLowerCase(inner)]))
}
