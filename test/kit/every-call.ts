import type { Backend } from '../../lib/backend/index.ts'

/** The same backend; each call for an object is made by `call`, which may keep it waiting or fail it. */
export function everyCall(backend: Backend, call: <T>(make: () => Promise<T>) => Promise<T>): Backend {
  return {
    ...backend,
    stat: (...args) => call(() => backend.stat(...args)),
    read: (...args) => call(() => backend.read(...args)),
    write: (...args) => call(() => backend.write(...args)),
    list: (...args) => call(() => backend.list(...args)),
    delete: (...args) => call(() => backend.delete(...args)),
  }
}
