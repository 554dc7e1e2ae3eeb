import { httpBackend } from '../../../lib/backend/index.ts'
import { systemClock } from '../../../lib/base/index.ts'
import { digestOf, parseRepository } from '../../../lib/core/index.ts'
import { blobKey } from '../../../services/origin/blob-keys.ts'
import { fileServer } from '../../kit/file-server.ts'
import { answer, ignoreRange } from '../../kit/http-faults.ts'
import { plainGovernor } from '../../kit/plain-governor.ts'
import { resourceStack } from '../../kit/resource-stack.ts'
import { backendSuite } from './backend-suite.ts'
import type { BackendUnderTest } from './backend-world.ts'

interface Place {
  readonly url: string
  /** The path of a key on the server. */
  readonly pathOf: (key: string) => string
  readonly ranges: boolean
}

const filesAt =
  ({ url, pathOf, ranges }: Place) =>
  async (): Promise<BackendUnderTest> => {
    const stack = resourceStack()
    const server = stack.own(await fileServer())
    if (!ranges) server.faults.next({ times: Number.POSITIVE_INFINITY }, ignoreRange())
    return {
      async open() {
        const components = { clock: systemClock(), governor: plainGovernor() }
        const backends = httpBackend(components, { driver: 'http', url: server.url + url, headers: {} })
        await backends.start()
        stack.own({ [Symbol.asyncDispose]: () => backends.stop() })
        return backends.backendFor(parseRepository('team/app'))
      },
      leftovers: async () => [],
      // Without ranges, every request already has a fault, the one that ignores ranges.
      ...(ranges ? { requests: { faults: server.faults, refusal: (status) => answer(status), names: {} } } : {}),
      async seed(key, bytes) {
        server.files.set(pathOf(key), bytes)
      },
      dispose: async () => stack[Symbol.asyncDispose](),
    }
  }

const readOnly = { writes: false, lists: false } as const
const keyFor = (bytes: Uint8Array) => blobKey(digestOf(bytes))

backendSuite(
  'the http driver, by keys,',
  filesAt({ url: '/files/{repository}/{key}', pathOf: (key) => `files/team/app/${key}`, ranges: true }),
  readOnly,
)

backendSuite(
  'the http driver, by digests and from a server without ranges,',
  filesAt({
    url: '/{algorithm}/{hex:3}/{hex}?of={repository}',
    pathOf: (key) => key.replace(/^blobs\/(\w+)\/..\/(...)(.*)$/, '$1/$2/$2$3?of=team/app'),
    ranges: false,
  }),
  { ...readOnly, keyFor },
)
