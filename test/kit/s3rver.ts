import { once } from 'node:events'
import { readdir } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import S3rverApp from '@20minutes/s3rver'
import { keptAlive } from './kept-alive.ts'
import { tempFolder } from './temp-folder.ts'

/** The published server `s3rver`, which is independent of this project. */
export interface S3rver extends AsyncDisposable {
  readonly endpoint: string
  readonly bucket: string
  readonly keys: { readonly accessKeyId: string; readonly secretAccessKey: string }
  /** Names of unfinished multipart uploads. */
  openUploads(): Promise<readonly string[]>
}

export async function startS3rver(): Promise<S3rver> {
  const bucket = 'shoal-test'
  const folder = await tempFolder('s3rver')
  const app = (allowMismatchedSignatures: boolean) =>
    new S3rverApp({
      silent: true,
      directory: folder.path,
      vhostBuckets: false,
      allowMismatchedSignatures,
      configureBuckets: [{ name: bucket }],
    })
  const strict = app(false)
  await strict.configureBuckets()
  // s3rver expects the signature over the bucket's path without the final slash; clients sign it with the slash.
  const [objects, buckets] = [strict.callback(), app(true).callback()]
  const ofBucket = new RegExp(`^/${bucket}/?(\\?|$)`)
  const server = createServer(keptAlive, (req, res) => (ofBucket.test(req.url ?? '') ? buckets : objects)(req, res))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    endpoint: `http://127.0.0.1:${port}`,
    bucket,
    keys: { accessKeyId: 'S3RVER', secretAccessKey: 'S3RVER' },
    openUploads: async () => {
      const found = await readdir(folder.path, { recursive: true })
      return found.filter((path) => /\.uploads\/[^/]+$/.test(path))
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
      await folder[Symbol.asyncDispose]()
    },
  }
}
