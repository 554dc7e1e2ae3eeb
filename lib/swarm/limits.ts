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
  /** Incoming connections whose first handshake has not come yet. */
  maxPendingHandshakes: 64,
  /** Requests cancelled by us that the other side has still to answer. */
  maxCancelledRequests: 256,
  /** Blocks are handed to a socket while it holds less than this. */
  sendHighWaterBytes: 256 * 1024,
  /** A socket that holds this much is of a peer that does not read what it asked for. */
  maxSendQueueBytes: 1024 * 1024,
  /** Messages of one minute that tell nothing new: keep-alives, repetitions, unknown ones. */
  maxIdleMessages: 600,
  /** How often a connection is looked after; the next five are counted in these steps. */
  watchIntervalMs: 5_000,
  controlFrameSteps: 2,
  blockFrameSteps: 12,
  sendStallSteps: 6,
  keepAliveSteps: 12,
  silenceSteps: 30,
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
  /** While the origin still takes the blob in and no piece is known, readers wait longer, but no longer than this. */
  ingestTimeoutMs: 600_000,
  /** A torrent without readers goes on for this long, then pauses. */
  lingerMs: 30_000,
  /** The last bytes of a whole body wait for the whole digest. */
  withheldTailBytes: 64 * 1024,
  /** Pieces in memory (asked for, being hashed or written, warm), all torrents together. */
  pieceBufferBytes: 64 * 1024 * 1024,
  /** Of these, pieces that are stored and stay warm for who reads them next. */
  warmPieceBytes: 32 * 1024 * 1024,
  /** Slices of 1 MiB kept for readers and uploads, all torrents together. */
  sliceCacheBytes: 32 * 1024 * 1024,
  /** Pieces kept in memory for the readers of one torrent while the disk is full. */
  overflowBytes: 32 * 1024 * 1024,
  /** The window in front of a reader: so many pieces, and no more than so many bytes. */
  windowPieces: 16,
  windowBytes: 32 * 1024 * 1024,
  /** Blocks asked of one peer at once: before its rate is known, and at most. */
  minPipelineBlocks: 4,
  maxPipelineBlocks: 32,
  maxRequestTimeoutMs: 10_000,
  /** How long no peer may give anything before the origins are asked over HTTP. */
  peerPatienceMs: 1_000,
  /** The same while peers that have what is wanted are merely busy with others, or could not be dialled yet. */
  busyPatienceMs: 8_000,
  /** A first announce that takes longer no longer holds back the HTTP rung. */
  announcePatienceMs: 1_500,
  dialTimeoutMs: 3_000,
  /** Peers that are served at once by one torrent. */
  uploadSlots: 24,
  /** An upload slot is handed on after this long when others wait for one. */
  uploadTurnMs: 5_000,
  /** A connection of a complete torrent that asks for nothing is closed after this long. */
  idleSeedMs: 60_000,
  /** How long an unknown blob's answer is remembered. */
  unknownMs: 1_000,
  /** A digest found wrong is refused for this long, doubling up to the second figure. */
  refusalMs: 60_000,
  maxRefusalMs: 3_600_000,
  /** Once what trackers say of a blob was doubted, only origins are asked for so long. */
  doubtMs: 600_000,
  /** How long a peer is banned. */
  banMs: 3_600_000,
  /** Peers remembered as banned. */
  maxBans: 1_024,
} as const

/** The table with other numbers in it. */
export type SwarmLimits = { readonly [K in keyof typeof swarmLimits]: number }
