import type { RemoteEnd } from './proxy-header.ts'

/** What is known of a connection's other end. */
interface Connection {
  readonly remoteAddress?: string | undefined
}

const stated = new WeakMap<object, RemoteEnd>()

/** From now on the connection comes from there: a balancer that is trusted has said so. */
export function stateRemote(connection: object, remote: RemoteEnd): void {
  stated.set(connection, remote)
}

/** A connection that is carried by another one comes from where that one comes from. */
export function carryRemote(connection: object, carrier: object): void {
  const remote = stated.get(carrier)
  if (remote !== undefined) stated.set(connection, remote)
}

/** The other end of a connection; undefined when the connection is gone. */
export function remoteEndOf(
  connection: Connection & { readonly remotePort?: number | undefined },
): RemoteEnd | undefined {
  const { remoteAddress: address, remotePort: port } = connection
  return stated.get(connection) ?? (address === undefined || port === undefined ? undefined : { address, port })
}

/** The address that a connection comes from: as a trusted balancer has said, or else that of the socket. */
export function remoteAddressOf(connection: Connection): string | undefined {
  return stated.get(connection)?.address ?? connection.remoteAddress
}
