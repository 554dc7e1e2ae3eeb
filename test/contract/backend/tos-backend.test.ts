import { type TosLabInit, tosLab } from '../../kit/tos-lab.ts'
import { backendSuite } from './backend-suite.ts'

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
    async dispose() {
      await lab[Symbol.asyncDispose]()
    },
  }
}

backendSuite('the TOS driver', tos({}))
