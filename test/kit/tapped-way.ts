import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { buildResource } from './resource-stack.ts'

/** A way to a server, on which all that callers send can be read. */
export interface TappedWay {
  readonly url: string
  /** All bytes that have come from callers so far, one per character. */
  sent(): string
}

/** Opens one on a free port to the server at `target`. */
export const tappedWay = (target: string) =>
  buildResource<TappedWay>(async (stack) => {
    const { hostname, port } = new URL(target)
    const chunks: Buffer[] = []
    const open = new Set<Socket>()
    const server = createServer((caller) => {
      const onward = connect(Number(port), hostname)
      for (const socket of [caller, onward]) {
        open.add(socket)
        socket.on('error', () => undefined).on('close', () => open.delete(socket))
      }
      caller.on('data', (chunk) => chunks.push(chunk)).pipe(onward)
      onward.pipe(caller)
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    stack.own({
      async [Symbol.asyncDispose]() {
        server.close()
        for (const socket of open) socket.destroy()
        await once(server, 'close')
      },
    })
    return {
      url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      sent: () => Buffer.concat(chunks).toString('latin1'),
    }
  })
