import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A server of this process that takes requests; its disposal is `kill`. */
export interface Listening extends AsyncDisposable {
  readonly port: number
  /** `address:port`. */
  readonly host: string
  /** Without a trailing slash. */
  readonly url: string
  /** Cuts every connection and refuses new ones. Idempotent. */
  readonly kill: () => Promise<void>
}

/** Has a server listen at an address of this machine; port 0 is any free one. */
export async function listening(server: Server, { address = '127.0.0.1', port = 0 } = {}): Promise<Listening> {
  server.listen(port, address)
  await once(server, 'listening')
  const taken = (server.address() as AddressInfo).port
  const kill = async () => {
    if (!server.listening) return
    server.close()
    server.closeAllConnections()
    await once(server, 'close')
  }
  const host = `${address}:${taken}`
  return { port: taken, host, url: `http://${host}`, kill, [Symbol.asyncDispose]: kill }
}
