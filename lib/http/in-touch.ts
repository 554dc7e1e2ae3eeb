import type { Clock, Timer } from '../base/index.ts'
import type { Exchange } from './route.ts'

/** Half of the shortest wait for a header among our own clients. */
const BEAT_MS = 5_000

/**
 * Waits for what the answer depends on. Meanwhile the client is told now and then, by a 102, that it is being worked
 * for, so that it need not take a long wait for a dead server.
 */
export async function inTouch<T>(
  clock: Pick<Clock, 'setTimer'>,
  { req, res }: Pick<Exchange, 'req' | 'res'>,
  work: Promise<T>,
): Promise<T> {
  // Clients of HTTP/1.0 know no interim answers.
  if (req.httpVersion === '1.0') return work
  let timer: Timer | undefined
  const plan = () => {
    timer = clock.setTimer(BEAT_MS, () => {
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
