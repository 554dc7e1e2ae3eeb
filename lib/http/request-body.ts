import type { IncomingMessage } from 'node:http'
import { type Clock, onAbort } from '../base/index.ts'
import { bodyPace } from './body-pace.ts'

/**
 * The body of a request, to be read once. Whoever stops early leaves the rest, and the connection, to the listener.
 * Fails with the reason of the signal, with BODY_TOO_SLOW, and when the client disconnects.
 */
export async function* requestBody(
  clock: Pick<Clock, 'setTimer' | 'monotonicMs'>,
  req: IncomingMessage,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const chunks = req.iterator({ destroyOnReturn: false }) as AsyncIterator<Uint8Array>
  let giveUp: (reason: unknown) => void = () => undefined
  const state = { gaveUp: false }
  const stop = (reason: unknown) => {
    state.gaveUp = true
    giveUp(reason)
  }
  const takeBack = onAbort(signal, () => stop(signal.reason))
  const pace = bodyPace(clock, stop)
  const next = () =>
    new Promise<IteratorResult<Uint8Array>>((resolve, reject) => {
      giveUp = reject
      pace.waits()
      if (signal.aborted) stop(signal.reason)
      else chunks.next().then(resolve, reject)
    })
  try {
    for (let chunk = await next(); chunk.done !== true; chunk = await next()) {
      pace.came(chunk.value.byteLength)
      yield chunk.value
    }
  } finally {
    pace.end()
    takeBack()
    // The iterator still waits for what will not come: it cannot be told to end.
    if (!state.gaveUp) await chunks.return?.()
  }
}
