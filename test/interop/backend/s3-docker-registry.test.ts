import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import {
  type ContainerTools,
  containerTools,
  type DebianRegistry,
  startDebianRegistry,
} from '../../kit/clients/index.ts'
import { digestsOf, layeredImage, makeImage } from '../../kit/images/index.ts'
import { resourceStack } from '../../kit/resource-stack.ts'
import { type S3Server, startS3Server } from '../../kit/s3-server/index.ts'

/** Tests our S3 server with an independent client: not ours, and not the one that our driver uses. */
const stack = resourceStack()
let server: S3Server
let registry: DebianRegistry
let tools: ContainerTools

beforeAll(async () => {
  tools = stack.own(await containerTools())
  server = stack.own(await startS3Server())
  registry = stack.own(await startDebianRegistry({ bucket: server }))
})

afterAll(async () => stack[Symbol.asyncDispose]())

test('a registry that keeps its images in the bucket gives them back as they were', async () => {
  const image = await makeImage(join(tools.folder, 'image'), layeredImage({ largeBytes: 20 << 20 }))
  const name = `docker://${registry.host}/kit/image:t1`
  await tools.skopeo(['copy', '--preserve-digests', image.reference, name])
  const copy = join(tools.folder, 'copy')
  await tools.skopeo(['copy', name, `oci:${copy}:image`])
  expect(await digestsOf(copy)).toEqual(await digestsOf(image.folder))
  const data = server.objectKeys().filter((key) => key.endsWith('/data'))
  expect(data.length).toBeGreaterThan(4)
  expect(server.count('CompleteMultipartUpload')).toBeGreaterThan(0)
  expect(server.openUploads()).toEqual([])
})
