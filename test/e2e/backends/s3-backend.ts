import { startS3Server } from '../../kit/s3-server/index.ts'
import type { BackendRow } from './backend-row.ts'

/** Blobs and index in one bucket of our own S3 server. */
export const s3Row: BackendRow = {
  name: 's3',
  async start() {
    const server = await startS3Server()
    const { bucket, endpoint, keys } = server
    const backend = { driver: 's3', bucket, endpoint, pathStyle: true, credentials: keys }
    const hexOf = (digest: string) => digest.slice(digest.indexOf(':') + 1)
    const keysOf = (digest: string) =>
      server.objectKeys().filter((key) => key.includes(hexOf(digest)) && !key.startsWith('index/'))
    return {
      blobs: backend,
      index: backend,
      has: (digest) => keysOf(digest).length > 0,
      bytesGiven: (digest) => keysOf(digest).reduce((sum, key) => sum + server.bytesGiven(key), 0),
      indexObjects: () => server.objectKeys().filter((key) => key.startsWith('index/')).length,
      [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
    }
  },
}
