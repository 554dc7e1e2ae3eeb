/** Every limit of the swarm in one table; docs/limits.md says why. Bytes and milliseconds unless the name says otherwise. */
export const swarmLimits = {
  /** Largest block of a request; also the largest payload of a `piece`. */
  maxBlockLength: 256 * 1024,
  /** Block length towards our own peers. */
  blockLength: 256 * 1024,
  /** Block length towards clients that do not speak our extension. */
  foreignBlockLength: 16 * 1024,
  maxExtendedLength: 16 * 1024,
  maxOpenRequests: 64,
  handshakeTimeoutMs: 5_000,
  maxConnectionsPerTorrentSoft: 24,
  maxConnectionsPerTorrentHard: 32,
  maxConnections: 512,
  maxHalfOpen: 16,
  uploadQueueBytes: 64 * 1024 * 1024,
  /** Floor of the adaptive request timeout. */
  minRequestTimeoutMs: 500,
  /** A reader's first header must be there within this. */
  headerTimeoutMs: 10_000,
  /** A reader that gets no byte for this long is reset. */
  stallTimeoutMs: 30_000,
  /** A torrent without readers goes on for this long, then pauses. */
  lingerMs: 30_000,
  /** The last bytes of a blob wait for the `verified` record. */
  withheldTailBytes: 64 * 1024,
} as const
