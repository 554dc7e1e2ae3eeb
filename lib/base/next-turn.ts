/** Resolves in the next turn of the event loop, when all is read that had come by now. */
export function nextTurn(): Promise<undefined> {
  return new Promise((resolve) => setImmediate(() => resolve(undefined)))
}
