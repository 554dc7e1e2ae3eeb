import { outcomeByName } from '../../../lib/backend/outcomes.ts'
import { errorJson } from '../../kit/http-faults.ts'
import { type TosLabInit, tosLab } from '../../kit/tos-lab.ts'
import { backendSuite } from './backend-suite.ts'
import { MIB } from './backend-world.ts'

const tos = (init: TosLabInit) => async () => {
  const lab = await tosLab(init)
  return {
    async open() {
      const backend = lab.open()
      await backend.start()
      return backend
    },
    leftovers: async () => [
      ...lab.server.bucket.uploads.keys(),
      ...[...lab.server.bucket.objects.keys()].filter((key) => key.includes('.shoal-')),
    ],
    requests: {
      faults: lab.server.faults,
      refusal: (status: number, reason: string | undefined) =>
        errorJson(status, reason === undefined ? {} : { Code: reason }),
      names: outcomeByName.tos,
      manyRequestBytes: 9 * MIB,
    },
    async dispose() {
      await lab[Symbol.asyncDispose]()
    },
  }
}

backendSuite('the TOS driver', tos({}))
