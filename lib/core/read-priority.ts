/**
 * How urgent it is that bytes come, the most urgent first: somebody waits for them (`onDemand`), somebody will want them
 * soon (`prefetch`), or they only complete what is here in part (`fill`).
 */
export const readPriorities = ['onDemand', 'prefetch', 'fill'] as const

export type ReadPriority = (typeof readPriorities)[number]

/** The next less urgent priority: that of what is read ahead of somebody. */
export function lessUrgent(priority: ReadPriority): ReadPriority {
  return priority === 'onDemand' ? 'prefetch' : 'fill'
}
