import { startDebianRegistry } from '../../kit/clients/index.ts'
import type { BackendRow } from './backend-row.ts'

/** A registry of another project as backend: it stores the blobs and is the index. */
export const registryRow: BackendRow = {
  name: 'registry',
  async start() {
    const registry = await startDebianRegistry()
    const backend = { driver: 'registry', url: registry.url, repository: 'mirror/{repository}', chunk: '4MiB' }
    const blobUrl = (digest: string) => `${registry.url}/v2/mirror/team/image/blobs/${digest}`
    const given = (digest: string) =>
      registry
        .log()
        .matchAll(new RegExp(String.raw`"GET /v2/mirror/team/image/blobs/${digest} HTTP/1.1" 20\d (\d+)`, 'g'))
    return {
      blobs: backend,
      index: backend,
      has: async (digest) => (await fetch(blobUrl(digest), { method: 'HEAD' })).ok,
      bytesGiven: (digest) => [...given(digest)].reduce((sum, [, bytes]) => sum + Number(bytes), 0),
      image: `${registry.host}/mirror/team/image:t1`,
      [Symbol.asyncDispose]: () => registry[Symbol.asyncDispose](),
    }
  },
}
