import { type TosStoreInit, tosStore } from '../../kit/tos-lab.ts'
import { backendSuite } from './backend-suite.ts'

const tos = (init: TosStoreInit) => async () => {
  const store = await tosStore(init)
  return {
    async open() {
      const backend = store.open()
      await backend.start()
      return backend
    },
    leftovers: async () => [
      ...store.server.bucket.uploads.keys(),
      ...[...store.server.bucket.objects.keys()].filter((key) => key.includes('.shoal-')),
    ],
    async dispose() {
      await store[Symbol.asyncDispose]()
    },
  }
}

backendSuite('the TOS driver', tos({}))
