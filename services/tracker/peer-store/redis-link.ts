import { appError, background, backoffMs, type Clock, type Random, type Startable } from '../../../lib/base/index.ts'
import type { RedisConnection, Reply } from './redis-connection.ts'
import type { Call } from './scripts.ts'
import type { StoreState } from './store-state.ts'

/** One connection after another, for as long as the tracker runs. */
export interface RedisLink extends Startable {
  /** @throws UNAVAILABLE while redis is away */
  run(calls: readonly Call[]): Promise<readonly Reply[]>
  readonly isUp: boolean
}

export interface RedisLinkComponents {
  readonly clock: Clock
  readonly random: Random
  readonly state: StoreState
  /** @throws UNAVAILABLE */
  readonly connect: () => Promise<RedisConnection>
  /** Redis is there, for the first time or again. */
  readonly onUp: () => void
}

const BACKOFF = { baseMs: 500, maxMs: 10_000, attempts: Number.POSITIVE_INFINITY }

export function redisLink({ clock, random, state, connect, onUp }: RedisLinkComponents): RedisLink {
  let connection: RedisConnection | undefined
  const tasks = background(() => undefined)

  const reasonOf = (err: unknown) => {
    const { message } = (err ?? {}) as { readonly message?: unknown }
    return typeof message === 'string' ? message : 'it was closed'
  }

  /** One connection from beginning to end; false when there was none. */
  const session = async (signal: AbortSignal, onTried: () => void): Promise<boolean> => {
    try {
      connection = await connect()
    } catch (err) {
      state.change('away', reasonOf(err))
      return false
    } finally {
      onTried()
    }
    if (signal.aborted) connection.close()
    state.change('up')
    onUp()
    const reason = await connection.ended
    connection = undefined
    state.change('away', reasonOf(reason))
    return true
  }
  const hold = async (signal: AbortSignal, onTried: () => void) => {
    let failures = 0
    while (!signal.aborted) {
      failures = (await session(signal, onTried)) ? 0 : failures + 1
      await clock.sleep(backoffMs(BACKOFF, failures, random), { signal })
    }
  }

  return {
    run: (calls) => connection?.run(calls) ?? Promise.reject(appError('UNAVAILABLE', { message: 'redis is away' })),
    get isUp() {
      return connection !== undefined
    },
    start: () => new Promise((resolve) => tasks.run('redis', (signal) => hold(signal, resolve))),
    async stop() {
      connection?.close()
      await tasks.stop()
    },
  }
}
