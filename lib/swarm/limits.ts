/**
 * Every limit of the swarm in one table; docs/limits.md gives the reasons. In bytes and milliseconds unless the name
 * says otherwise.
 */
export const swarmLimits = {
  /** Largest block in a request, and largest payload of a `piece` message. */
  maxBlockLength: 256 * 1024,
  /** Length of the blocks that we request from our own peers. */
  blockLength: 256 * 1024,
  /** Length of the blocks that we request from clients without our extension. */
  foreignBlockLength: 16 * 1024,
  maxExtendedLength: 16 * 1024,
  maxOpenRequests: 64,
  /** The same for clients without our extension, whose blocks are short. */
  maxForeignRequests: 512,
  handshakeTimeoutMs: 5_000,
  /** A blob up to this length, as manifests are, goes first where the node's own rates limit. */
  shortBlobBytes: 4 * 1024 * 1024,
  /** Incoming connections whose first handshake has not arrived yet. */
  maxPendingHandshakes: 64,
  /** Requests that we cancelled and the other side has not answered yet. */
  maxCancelledRequests: 256,
  /** Blocks are passed to a socket while less than this is waiting in it. */
  sendHighWaterBytes: 256 * 1024,
  /** When this much waits in a socket, the peer does not read what it requested, and the connection is closed. */
  maxSendQueueBytes: 1024 * 1024,
  /** Messages per minute that tell nothing new: keep-alives, repetitions, unknown ones. */
  maxIdleMessages: 600,
  /** How often a connection is checked; the next five values are counted in these steps. */
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
  /** Peers of all torrents together; a peer counts once for each torrent, over whatever link. */
  maxLanes: 4_096,
  /** Swarms that share one connection, and how many a peer may ask for in a minute. */
  maxLanesPerLink: 64,
  maxLaneOpens: 600,
  /** A connection that no swarm uses is kept for this long, for the next image. */
  linkIdleMs: 45_000,
  /** HAVEs to an agent, and to an origin, are sent together, at least this far apart. */
  haveEveryMs: 10,
  originHaveEveryMs: 50,
  /** Ranges in one message that says what an agent wants an origin to bring first, and their bytes together. */
  maxWantRanges: 32,
  maxWantBytes: 64 * 1024 * 1024,
  /** At least this long between two such messages of a priority for one torrent; an origin takes twice as many. */
  wantEveryMs: 100,
  /** What an agent wants is forgotten after this time, and said again earlier. */
  wantMs: 20_000,
  wantAgainMs: 8_000,
  /** The class at which a node asks its peers for a blob rises at once, and sinks when it has been lower for so long. */
  classSinkMs: 2_000,
  /** At least this long between two times that an origin is told what its peers want. */
  wantMergeMs: 20,
  /** Peers that a full node names to one that it turns away. */
  maxNamedPeers: 16,
  /** Peers that are being turned away at one time, and how long they may take to read why. */
  maxTurnedAway: 64,
  turnAwayMs: 2_000,
  uploadQueueBytes: 64 * 1024 * 1024,
  /** Shortest adaptive request timeout. */
  minRequestTimeoutMs: 500,
  /** A reader gets its first header within this time, or fails. */
  headerTimeoutMs: 10_000,
  /** A reader that gets no byte for this long fails. */
  stallTimeoutMs: 30_000,
  /** While the origin still brings the blob and no piece is known, readers wait longer, at most this long. */
  ingestTimeoutMs: 600_000,
  /** A torrent without readers continues for this long, then pauses. */
  lingerMs: 30_000,
  /** Blobs of which only a part is here and that nobody pulls: so many of them are announced, and given to peers. */
  maxPartsAtRest: 32,
  /** Pieces in memory (asked for, being hashed or written, warm), all torrents together. */
  pieceBufferBytes: 80 * 1024 * 1024,
  /** The part of `pieceBufferBytes` for stored pieces that stay in memory for their next readers. */
  warmPieceBytes: 32 * 1024 * 1024,
  /** Slices of 1 MiB in memory for readers and uploads, for all torrents together. */
  sliceCacheBytes: 16 * 1024 * 1024,
  /** Pieces in memory for readers while the disk is full, all torrents together. */
  overflowBytes: 32 * 1024 * 1024,
  /** The window in front of a reader: while its pace is unknown and at least, and at most. */
  minWindowBytes: 2 * 1024 * 1024,
  maxWindowBytes: 16 * 1024 * 1024,
  /** What follows the ranges of a client that reads in sequence is brought before it asks: at least, and at most. */
  minAheadBytes: 2 * 1024 * 1024,
  maxAheadBytes: 8 * 1024 * 1024,
  /** The same, so long after the last of these ranges was opened. */
  aheadMs: 5_000,
  /** Number of blocks requested from one peer at a time: before its rate is known, and at most. */
  minPipelineBlocks: 4,
  maxPipelineBlocks: 32,
  maxRequestTimeoutMs: 10_000,
  /** When no peer gives anything for this long, the origins are asked over HTTP. */
  peerPatienceMs: 1_000,
  /** The same, while peers that have what is wanted are only busy with others, or could not be dialled yet. */
  busyPatienceMs: 8_000,
  /** When the first announce takes longer than this, HTTP no longer waits for it. */
  announcePatienceMs: 1_500,
  dialTimeoutMs: 3_000,
  /** Number of peers that one torrent serves at the same time. */
  uploadSlots: 24,
  /** After this time an upload slot goes to another peer, if any is waiting. */
  uploadTurnMs: 5_000,
  /** A connection of a complete torrent without requests is closed after this time. */
  idleSeedMs: 60_000,
  /** A node without any torrent for this long gives its idle memory back. */
  restMs: 10_000,
  /** How long the answer "unknown blob" is remembered. */
  unknownMs: 1_000,
  /** A digest with wrong content is refused for this long; doubles each time, up to the second value. */
  refusalMs: 60_000,
  maxRefusalMs: 3_600_000,
  /** After a tracker's metainfo for a blob was doubted, only origins are asked for this long. */
  doubtMs: 600_000,
  /** Length of a ban. */
  banMs: 3_600_000,
  /** Most bans that are remembered. */
  maxBans: 1_024,
} as const

/** The same table with other values. */
export type SwarmLimits = { readonly [K in keyof typeof swarmLimits]: number }
