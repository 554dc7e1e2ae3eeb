import { describe, expect, test } from '@jest/globals'
import { lifecycle, type Startable } from '../../../lib/base/index.ts'

interface PartInit {
  readonly failStart?: boolean
  readonly failStop?: boolean
}

const recorder = () => {
  const events: string[] = []
  const part = (name: string, init: PartInit = {}): Startable => ({
    async start() {
      if (init.failStart === true) throw new Error(`${name} cannot start`)
      events.push(`+${name}`)
    },
    async stop() {
      events.push(`-${name}`)
      if (init.failStop === true) throw new Error(`${name} cannot stop`)
    },
  })
  return { events, part }
}

describe('lifecycle', () => {
  test('starts in order and stops in reverse, each once', async () => {
    const { events, part } = recorder()
    const whole = lifecycle([part('a'), part('b'), part('c')])
    await Promise.all([whole.start(), whole.start()])
    await Promise.all([whole.stop(), whole.stop()])
    expect(events).toEqual(['+a', '+b', '+c', '-c', '-b', '-a'])
  })

  test('a failed start stops what had started, rethrows, and may be tried again', async () => {
    const { events, part } = recorder()
    const whole = lifecycle([part('a'), part('b', { failStart: true }), part('c')])
    await expect(whole.start()).rejects.toThrow('b cannot start')
    expect(events).toEqual(['+a', '-a'])
    await expect(whole.start()).rejects.toThrow('b cannot start')
    await whole.stop()
    expect(events).toEqual(['+a', '-a', '+a', '-a'])
  })

  test('a part that cannot stop does not keep the others from stopping', async () => {
    const { events, part } = recorder()
    const whole = lifecycle([part('a'), part('b', { failStop: true }), part('c', { failStop: true })])
    await whole.start()
    await expect(whole.stop()).rejects.toThrow('c cannot stop')
    expect(events.slice(3)).toEqual(['-c', '-b', '-a'])
  })

  test('a stop during a start waits for it', async () => {
    const { events, part } = recorder()
    const whole = lifecycle([part('a'), part('b')])
    const starting = whole.start()
    await whole.stop()
    await starting
    expect(events).toEqual(['+a', '+b', '-b', '-a'])
  })
})
