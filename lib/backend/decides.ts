/**
 * Whether a backend with this config decides itself which of two conditional requests succeeds, as far as the config says.
 * One with `conditionalWrites: false` or `conditionalDeletes: false`, also as a part of another one, does not.
 */
export function decidesConditions(config: unknown): boolean {
  if (typeof config !== 'object' || config === null) return true
  const admits =
    Reflect.get(config, 'conditionalWrites') === false || Reflect.get(config, 'conditionalDeletes') === false
  return !admits && Object.values(config).every(decidesConditions)
}
