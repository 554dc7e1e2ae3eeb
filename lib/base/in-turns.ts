/** Asks about `atOnce` items at a time; the answers are in the order of the items. @throws what `ask` throws */
export async function inTurns<T, Answer>(
  items: readonly T[],
  atOnce: number,
  ask: (item: T) => Promise<Answer>,
): Promise<readonly Answer[]> {
  const answers: Answer[] = []
  for (let i = 0; i < items.length; i += atOnce) {
    answers.push(...(await Promise.all(items.slice(i, i + atOnce).map(ask))))
  }
  return answers
}
