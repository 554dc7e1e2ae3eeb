import type { Backend } from '../../lib/backend/index.ts'
import { appError } from '../../lib/base/index.ts'

/** A backend that can be made to fail as if the storage behind it were down. */
export interface FaultyBackend {
  readonly backend: Backend
  /** From now on every call fails with BACKEND_UNAVAILABLE. */
  break(): void
  heal(): void
  /** `intrude` runs once, right before the next such call reaches the backend, as the call of another process would. */
  beforeNext(method: 'write' | 'delete', intrude: () => Promise<unknown>): void
  /** Calls that reached the backend, by method. */
  readonly calls: Readonly<Record<keyof Backend, number>>
}

export function faultyBackend(inner: Backend): FaultyBackend {
  const calls = { start: 0, stop: 0, stat: 0, read: 0, write: 0, list: 0, delete: 0 }
  let broken = false
  const intrusions = new Map<string, () => Promise<unknown>>()

  const reach = (method: keyof Backend) => {
    if (broken) throw appError('BACKEND_UNAVAILABLE')
    calls[method] += 1
  }

  const intrudeBefore = async (method: string) => {
    const intrude = intrusions.get(method)
    intrusions.delete(method)
    await intrude?.()
  }

  return {
    calls,
    break() {
      broken = true
    },
    heal() {
      broken = false
    },
    beforeNext(method, intrude) {
      intrusions.set(method, intrude)
    },
    backend: {
      async start() {
        reach('start')
        await inner.start()
      },
      stop: () => inner.stop(),
      async stat(...args) {
        reach('stat')
        return inner.stat(...args)
      },
      async read(...args) {
        reach('read')
        return inner.read(...args)
      },
      async write(...args) {
        reach('write')
        await intrudeBefore('write')
        return inner.write(...args)
      },
      async list(...args) {
        reach('list')
        return inner.list(...args)
      },
      async delete(...args) {
        reach('delete')
        await intrudeBefore('delete')
        return inner.delete(...args)
      },
    },
  }
}
