/** Runs an event that is in nobody's call, where nobody else would see that it threw. */
export function guarded(event: () => void, onBroken: (err: unknown) => void): void {
  try {
    event()
  } catch (err) {
    onBroken(err)
  }
}
