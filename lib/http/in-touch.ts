import type { Clock, Timer } from '../base/index.ts'
import type { Exchange } from './route.ts'

/** Half of the shortest header timeout of our own clients. */
const BEAT_MS = 5_000

/**
 * Waits for `work`, on which the answer depends. Meanwhile it sends the client a 102 at intervals, so that the client
 * does not take the server for dead.
 */
export async function inTouch<T>(
  clock: Pick<Clock, 'setTimer'>,
  { req, res }: Pick<Exchange, 'req' | 'res'>,
  work: Promise<T>,
  beatMs = BEAT_MS,
): Promise<T> {
  // HTTP/1.0 has no interim answers.
  if (req.httpVersion === '1.0') return work
  let timer: Timer | undefined
  const plan = () => {
    timer = clock.setTimer(beatMs, () => {
      if (res.headersSent || res.destroyed) return
      res.writeProcessing()
      plan()
    })
  }
  plan()
  try {
    return await work
  } finally {
    timer?.cancel()
  }
}
