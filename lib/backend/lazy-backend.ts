import { appError } from '../base/index.ts'
import type { Backend } from './backend.ts'
import { owningSource } from './receive.ts'

/** Loads a driver when it starts, so that users of other drivers spend neither time nor memory on it. */
export function lazyBackend(load: () => Promise<Backend>): Backend {
  let backend: Backend | undefined
  const loaded = (): Backend => {
    if (backend === undefined) throw appError('BACKEND_UNAVAILABLE', { message: 'the backend has not been started' })
    return backend
  }
  return {
    async start() {
      backend ??= await load()
      await backend.start()
    },
    async stop() {
      await backend?.stop()
    },
    stat: async (...args) => loaded().stat(...args),
    read: async (...args) => loaded().read(...args),
    write: (key, source, options) => owningSource(source, async () => loaded().write(key, source, options)),
    list: async (...args) => loaded().list(...args),
    delete: async (...args) => loaded().delete(...args),
  }
}
