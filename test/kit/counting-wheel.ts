import { type Clock, type Wheel, wheel } from '../../lib/base/index.ts'

/** A wheel that counts how often something was looked at. */
export interface CountingWheel extends Wheel {
  readonly rung: number
}

export function countingWheel(clock: Clock): CountingWheel {
  const real = wheel(clock)
  let rung = 0
  return {
    get nowMs() {
      return real.nowMs
    },
    get rung() {
      return rung
    },
    alarm: (onDue) =>
      real.alarm((nowMs) => {
        rung += 1
        onDue(nowMs)
      }),
    stop: () => real.stop(),
  }
}
