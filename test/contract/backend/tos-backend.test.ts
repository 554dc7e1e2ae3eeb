import { outcomeByName } from '../../../lib/backend/outcomes.ts'
import { errorJson } from '../../kit/http-faults.ts'
import { type TosStoreInit, tosStore } from '../../kit/tos-store.ts'
import { backendSuite } from './backend-suite.ts'
import { MIB } from './backend-world.ts'

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
    requests: {
      faults: store.server.faults,
      refusal: (status: number, reason: string | undefined) =>
        errorJson(status, reason === undefined ? {} : { Code: reason }),
      names: outcomeByName.tos,
      manyRequestBytes: 9 * MIB,
    },
    async dispose() {
      await store[Symbol.asyncDispose]()
    },
  }
}

backendSuite('the TOS driver', tos({}))
