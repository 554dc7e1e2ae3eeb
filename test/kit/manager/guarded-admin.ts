import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** An admin listener that takes one key, and has no rings. */
export interface GuardedAdmin extends AsyncDisposable {
  readonly url: string
}

export async function guardedAdmin(key: string): Promise<GuardedAdmin> {
  const server = createServer((req, res) => {
    const isRight = req.headers.authorization === `Bearer ${key}`
    res.writeHead(isRight ? 200 : 401, { 'content-type': 'application/json' })
    res.end(isRight ? '{"rings":[]}' : '{"error":{"code":"UNAUTHORIZED","message":"no"}}')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
