import { addAbortSignal } from 'node:stream'
import type { BackendOperation, Governor } from '../../lib/backend/index.ts'
import { isAppError, throwIfAborted } from '../../lib/base/index.ts'

export interface PlainGovernor extends Governor {
  /** Number of requests, repeated ones included. */
  readonly requests: Readonly<Record<BackendOperation, number>>
}

/** A governor without rates and waits, with three tries; for tests of code that sends requests through a governor. */
export function plainGovernor({ attempts = 3 } = {}): PlainGovernor {
  const requests = { stat: 0, read: 0, write: 0, list: 0, delete: 0 }
  return {
    requests,
    async request(operation, work, { signal = new AbortController().signal } = {}) {
      for (let attempt = 1; ; attempt += 1) {
        throwIfAborted(signal)
        requests[operation] += 1
        try {
          return await work(signal)
        } catch (err) {
          throwIfAborted(signal)
          if (attempt >= attempts || !isAppError(err) || !err.retryable) throw err
        }
      }
    },
    received: (body, { signal } = {}) => (signal === undefined ? body : addAbortSignal(signal, body)),
    sending: () => Promise.resolve(),
  }
}
