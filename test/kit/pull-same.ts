import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { text } from 'node:stream/consumers'

/**
 * GETs `url` and compares the answer with `content`; cheaper than a digest when many clients read the same blob. Tells how
 * much has come.
 */
export async function pullSame(url: string, content: Uint8Array, onBytes?: (received: number) => void): Promise<void> {
  const req = request(url, { agent: false })
  req.end()
  const [res] = (await once(req, 'response')) as [IncomingMessage]
  if (res.statusCode !== 200)
    throw new Error(`${url} answered ${res.statusCode ?? 'nothing'}: ${(await text(res)).slice(0, 300)}`)
  let at = 0
  for await (const chunk of res as AsyncIterable<Uint8Array>) {
    if (Buffer.compare(chunk, content.subarray(at, at + chunk.length)) !== 0)
      throw new Error(`other bytes from ${at} on`)
    at += chunk.length
    onBytes?.(at)
  }
  if (at !== content.length) throw new Error(`${at} bytes came of ${content.length}`)
}
