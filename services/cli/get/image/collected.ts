import { appError } from '../../../../lib/base/index.ts'

/** All bytes of something small. @throws IMAGE_TOO_LARGE when there are more than `most` */
export async function collected(chunks: AsyncIterable<Uint8Array>, most: number): Promise<Buffer> {
  const parts: Uint8Array[] = []
  let size = 0
  for await (const chunk of chunks) {
    size += chunk.length
    if (size > most)
      throw appError('IMAGE_TOO_LARGE', { message: `a manifest or a table of contents has more than ${most} bytes` })
    parts.push(chunk)
  }
  return Buffer.concat(parts)
}
