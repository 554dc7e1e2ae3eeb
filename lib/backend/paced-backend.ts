import { Readable } from 'node:stream'
import type { AbortOptions } from '../base/index.ts'
import type { Backend } from './backend.ts'
import type { Governor } from './governor.ts'
import { owningSource } from './receive.ts'

/** Keeps a backend without requests, such as a folder, to its bandwidth. */
export function pacedBackend(governor: Pick<Governor, 'received' | 'sending'>, backend: Backend): Backend {
  async function* paced(source: AsyncIterable<Uint8Array>, options: AbortOptions) {
    for await (const chunk of source) {
      await governor.sending(chunk.length, options)
      yield chunk
    }
  }

  return {
    start: () => backend.start(),
    stop: () => backend.stop(),
    stat: (key, options) => backend.stat(key, options),
    async read(key, options = {}) {
      const found = await backend.read(key, options)
      return found && { ...found, body: governor.received(found.body, options) }
    },
    write: (key, source, options) =>
      owningSource(source, async () => {
        if (ArrayBuffer.isView(source)) await governor.sending(source.length, options)
        return backend.write(key, ArrayBuffer.isView(source) ? source : Readable.from(paced(source, options)), options)
      }),
    list: (prefix, options) => backend.list(prefix, options),
    delete: (key, options) => backend.delete(key, options),
  }
}
