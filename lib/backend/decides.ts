/**
 * Whether a backend with this config decides itself which of two conditional writes succeeds, as far as the config says. One
 * with `conditionalWrites: false`, also as a part of another one, does not.
 */
export function decidesConditions(config: unknown): boolean {
  if (typeof config !== 'object' || config === null) return true
  return Reflect.get(config, 'conditionalWrites') !== false && Object.values(config).every(decidesConditions)
}
