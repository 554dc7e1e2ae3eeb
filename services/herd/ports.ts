import { createServer, type Server } from 'node:net'
import { appError } from '../../lib/base/index.ts'

/** Listeners of one instance of a service, by name. */
export type PortSet<Name extends string> = Readonly<Record<Name, number>>

/** Gives each instance its ports. */
export interface Ports {
  /** Ports of the `index`-th instance (from 0) whose first instance listens on `defaults`. */
  take<Name extends string>(index: number, defaults: PortSet<Name>): PortSet<Name>
}

/** More instances on one machine stand this far apart. */
const STRIDE = 100
const MAX_PORT = 65_535

/** The documented ports. @throws CONFIG_INVALID when an instance does not fit any more */
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
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => resolve(server))
  })

const portOf = (server: Server): number => {
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw appError('PORT_IN_USE')
  return address.port
}

/** `count` ports that were free a moment ago: all are held until the last is known, then let go. */
export async function autoPorts(count: number): Promise<Ports> {
  const servers = await Promise.all(Array.from({ length: count }, listen))
  const free = servers.map(portOf)
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  const next = () => {
    const port = free.pop()
    if (port === undefined) throw appError('CONFIG_INVALID', { message: 'more listeners than ports were asked for' })
    return port
  }
  return {
    take: (_index, defaults) =>
      Object.fromEntries(Object.keys(defaults).map((name) => [name, next()])) as typeof defaults,
  }
}
