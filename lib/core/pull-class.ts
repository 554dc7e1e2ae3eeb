/**
 * How important a pull is beside other pulls, the most important first. It decides who is served first where several want the
 * same; how urgent single bytes are within one blob is its `ReadPriority`.
 */
export const pullClasses = ['high', 'normal', 'low'] as const

export type PullClass = (typeof pullClasses)[number]

/** What each class gets of something that all of them want: none gets nothing. */
export const classWeights: Readonly<Record<PullClass, number>> = { high: 16, normal: 4, low: 1 }

/** The lower one of two. */
export function lowerClass(a: PullClass, b: PullClass): PullClass {
  return classWeights[a] < classWeights[b] ? a : b
}

export function isHigherClass(a: PullClass, than: PullClass): boolean {
  return classWeights[a] > classWeights[than]
}

/** Greatest level of Dragonfly's priorities. */
export const MAX_PULL_LEVEL = 20

/**
 * The class of a level as Dragonfly's users know them: 1 to 3, nobody waits; 7 and more, before all others. 0 says nothing, and 4
 * to 6 are what clients send who were told nothing.
 */
export function classOfLevel(level: number): PullClass | undefined {
  if (!Number.isInteger(level) || level < 0 || level > MAX_PULL_LEVEL || level === 0) return undefined
  if (level <= 3) return 'low'
  return level <= 6 ? 'normal' : 'high'
}

/** How one pull counts, and for which application it is. */
export interface PullTerms {
  readonly pullClass: PullClass
  readonly application?: string | undefined
}
