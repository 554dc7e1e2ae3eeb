import type { IncomingMessage } from 'node:http'

/**
 * The body of a request, to be read once. Whoever stops early leaves the rest, and the connection, to the listener.
 * Fails with the reason of the signal, and when the client disconnects.
 */
export async function* requestBody(req: IncomingMessage, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const chunks = req.iterator({ destroyOnReturn: false }) as AsyncIterator<Uint8Array>
  let giveUp: (reason: unknown) => void = () => undefined
  const onAbort = () => giveUp(signal.reason)
  signal.addEventListener('abort', onAbort, { once: true })
  const next = () =>
    new Promise<IteratorResult<Uint8Array>>((resolve, reject) => {
      giveUp = reject
      if (signal.aborted) onAbort()
      else chunks.next().then(resolve, reject)
    })
  try {
    for (let chunk = await next(); chunk.done !== true; chunk = await next()) yield chunk.value
  } finally {
    signal.removeEventListener('abort', onAbort)
    if (!signal.aborted) await chunks.return?.()
  }
}
