import { createServer, type Server } from 'node:net'
import { appError } from '../../lib/base/index.ts'

/** The ports of one service instance, by the name of the listener. */
export type PortSet<Name extends string> = Readonly<Record<Name, number>>

/** Assigns ports to each instance. */
export interface Ports {
  /** Ports of the `index`-th instance (from 0); the first instance listens on `defaults`. */
  take<Name extends string>(index: number, defaults: PortSet<Name>): PortSet<Name>
}

/** Distance between the ports of two instances. */
const STRIDE = 100
const MAX_PORT = 65_535

/** The documented ports. @throws CONFIG_INVALID when there is no room for another instance */
export function fixedPorts(): Ports {
  return {
    take(index, defaults) {
      const entries = Object.entries<number>(defaults).map(([name, port]) => [name, port + index * STRIDE] as const)
      const tooHigh = entries.find(([, port]) => port > MAX_PORT)
      if (tooHigh !== undefined) {
        throw appError('CONFIG_INVALID', {
          message: `instance ${index + 1} would need port ${tooHigh[1]}; start fewer instances or use --ports auto`,
        })
      }
      return Object.fromEntries(entries) as typeof defaults
    },
  }
}

const listen = (): Promise<Server> =>
  new Promise((resolve, reject) => {
    // Whoever calls in this moment is let go at once: a close waits for all who are there.
    const server = createServer((caller) => caller.destroy())
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => resolve(server))
  })

const portOf = (server: Server): number => {
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw appError('PORT_IN_USE')
  return address.port
}

/** `count` free ports: all are bound until the last one is found, then released. */
export async function autoPorts(count: number): Promise<Ports> {
  const servers = await Promise.all(Array.from({ length: count }, listen))
  const free = servers.map(portOf)
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  const next = () => {
    const port = free.pop()
    if (port === undefined)
      throw appError('CONFIG_INVALID', { message: 'the herd has more listeners than ports were reserved' })
    return port
  }
  return {
    take: (_index, defaults) =>
      Object.fromEntries(Object.keys(defaults).map((name) => [name, next()])) as typeof defaults,
  }
}
