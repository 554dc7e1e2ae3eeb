import { hasCode, isAbort } from '../base/index.ts'
import type { Metrics } from '../telemetry/index.ts'
import type { Backend } from './backend.ts'

type Operation = 'stat' | 'read' | 'write' | 'list' | 'delete'
type Outcome = 'ok' | 'absent' | 'precondition' | 'aborted' | 'failed'

/**
 * Counts the requests to a backend in `shoal_backend_requests_total{op,outcome}`; does not count a body that fails
 * later.
 */
export function countedBackend(metrics: Metrics, backend: Backend): Backend {
  const requests = metrics.counter(
    { name: 'shoal_backend_requests_total', help: 'Requests to the backend by operation and outcome.' },
    ['op', 'outcome'],
  )
  const count = (op: Operation, outcome: Outcome) => requests.with({ op, outcome }).add()

  const counted = async <T>(op: Operation, work: Promise<T>): Promise<T> => {
    try {
      const result = await work
      count(op, result === undefined && op !== 'delete' ? 'absent' : 'ok')
      return result
    } catch (err) {
      count(op, outcomeOf(err))
      throw err
    }
  }

  return {
    start: () => backend.start(),
    stop: () => backend.stop(),
    stat: (key, options) => counted('stat', backend.stat(key, options)),
    read: (key, options) => counted('read', backend.read(key, options)),
    write: (key, source, options) => counted('write', backend.write(key, source, options)),
    list: (prefix, options) => counted('list', backend.list(prefix, options)),
    delete: (key, options) => counted('delete', backend.delete(key, options)),
  }
}

function outcomeOf(err: unknown): Outcome {
  if (isAbort(err)) return 'aborted'
  return hasCode(err, 'BACKEND_PRECONDITION_FAILED') ? 'precondition' : 'failed'
}
