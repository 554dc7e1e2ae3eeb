import { once } from 'node:events'
import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { pipeline } from 'node:stream'
import { type Faults, withFaults } from './http-faults.ts'
import { keptAlive } from './kept-alive.ts'

export interface FaultProxy extends AsyncDisposable {
  readonly url: string
  readonly faults: Faults
}

/**
 * A reverse proxy that puts faults in front of a server that is not ours. It forwards the Host header of the client, so
 * that signatures stay valid and absolute addresses in answers lead through the proxy. When the server does not answer,
 * the proxy resets the connection.
 */
export async function faultProxy({ target }: { readonly target: string }): Promise<FaultProxy> {
  const { hostname, port } = new URL(target)
  const agent = new Agent({ keepAlive: true })

  const forward = (req: IncomingMessage, res: ServerResponse) => {
    const { method, url, headers } = req
    const passed = request({ hostname, port, path: url, method, headers, agent }, (answer) => {
      res.writeHead(answer.statusCode ?? 502, answer.statusMessage, answer.headers)
      pipeline(answer, res, () => undefined)
    })
    passed.on('error', () => void res.socket?.resetAndDestroy())
    res.on('close', () => passed.destroy())
    pipeline(req, passed, () => undefined)
  }

  const { handler, faults } = withFaults(forward)
  const server = createServer(keptAlive, handler).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    faults,
    async [Symbol.asyncDispose]() {
      server.close()
      server.closeAllConnections()
      agent.destroy()
      await once(server, 'close')
    },
  }
}
