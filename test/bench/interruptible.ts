/** Runs `work` with a signal that aborts when somebody ends the bench, so that its processes and files go with it. */
export async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const stop = new AbortController()
  const onSignal = (name: NodeJS.Signals) => stop.abort(new Error(`ended by ${name}`))
  const names = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  for (const name of names) process.on(name, onSignal)
  try {
    return await work(stop.signal)
  } finally {
    for (const name of names) process.off(name, onSignal)
  }
}
