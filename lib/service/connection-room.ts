/** Kept for files of the store and the journal, for probes and the admin, and for connections to other services. */
const FILES_RESERVE = 256
/** Links to other nodes: `maxConnections` of the swarm. */
const LINKS_RESERVE = 512
/** Whoever is served needs a connection, and a file or a connection to the service behind. */
const FILES_PER_CLIENT = 2
const MAX_CONNECTIONS = 10_000
const MIN_CONNECTIONS = 64
/** Connections of a listener for probes or for the admin, where the process may open enough files. */
const OPS_CONNECTIONS = 64
/** Else it has one for each so many of them. */
const FILES_PER_OPS_CONNECTION = 12
/** Below this, a service of a large cluster runs out of connections. */
const ADVISED_OPEN_FILES = 8192

/**
 * Most connections of one listener, so that files can still be opened, and probes are answered. Listeners for clients
 * share what there is: none of them can take what another one needs.
 */
export function connectionRoom(listener: string, openFiles: number | undefined, sharers = 1): number {
  const isForFew = listener === 'ops' || listener === 'admin'
  if (openFiles === undefined) return isForFew ? OPS_CONNECTIONS : MAX_CONNECTIONS
  if (isForFew) return Math.min(OPS_CONNECTIONS, Math.max(1, Math.floor(openFiles / FILES_PER_OPS_CONNECTION)))
  const room = Math.floor((openFiles - FILES_RESERVE - LINKS_RESERVE) / FILES_PER_CLIENT / sharers)
  return Math.min(MAX_CONNECTIONS, Math.max(MIN_CONNECTIONS, room))
}

/** What to log at the start when the process may open few files. */
export function fewOpenFiles(openFiles: number | undefined): Readonly<Record<string, number>> | undefined {
  if (openFiles === undefined || openFiles >= ADVISED_OPEN_FILES) return undefined
  return { openFiles, advised: ADVISED_OPEN_FILES }
}
