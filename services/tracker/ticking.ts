import type { Clock, Startable, Timer } from '../../lib/base/index.ts'

/** Does something short again and again, `everyMs` after the last time; the first time `everyMs` after the start. */
export function ticking(clock: Pick<Clock, 'setTimer'>, everyMs: number, tick: () => void): Startable {
  let timer: Timer | undefined
  const wait = () => {
    const next = () => {
      tick()
      wait()
    }
    timer = clock.setTimer(everyMs, next, { background: true })
  }
  return {
    async start() {
      wait()
    },
    async stop() {
      timer?.cancel()
    },
  }
}
