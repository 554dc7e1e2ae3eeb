import { TOS_KEY_ID, TOS_SECRET, tosServer } from '../../kit/tos-server/index.ts'
import type { BackendRow } from './backend-row.ts'

/** Blobs and index in one bucket of the emulator of Volcano Engine TOS. */
export const tosRow: BackendRow = {
  name: 'tos',
  async start() {
    const server = await tosServer()
    const backend = {
      driver: 'tos',
      bucket: server.bucketName,
      region: server.region,
      endpoint: server.endpoint,
      credentials: { accessKeyId: TOS_KEY_ID, secretAccessKey: TOS_SECRET },
    }
    const hexOf = (digest: string) => digest.slice(digest.indexOf(':') + 1)
    const keys = () => [...server.bucket.objects.keys()]
    const isBlob = (key: string, digest: string) => key.includes(hexOf(digest)) && !key.startsWith('index/')
    return {
      blobs: backend,
      index: backend,
      has: (digest) => keys().some((key) => isBlob(key, digest)),
      bytesGiven: (digest) =>
        server.faults.requests
          .filter(({ method, url }) => method === 'GET' && isBlob(keyIn(url, server.bucketName), digest))
          .reduce((sum, { sentBytes }) => sum + sentBytes, 0),
      indexObjects: () => keys().filter((key) => key.startsWith('index/')).length,
      [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
    }
  },
}

/** The key in the URL of a request. */
function keyIn(url: string, bucket: string): string {
  return decodeURIComponent(new URL(url, 'http://host').pathname.slice(1)).slice(bucket.length + 1)
}
