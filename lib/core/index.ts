export { type BlobRef, blobRefKey } from './blob-ref.ts'
export { type ByteRange, coversRanges, joinedRanges, rangeLength, wholeRange } from './byte-range.ts'
export { type Descriptor, MANIFEST_LIMIT, type Referrer } from './descriptor.ts'
export {
  type Digest,
  type DigestAlgorithm,
  digestAlgorithm,
  digestFromHex,
  digestHex,
  digestOf,
  parseDigest,
} from './digest.ts'
export { type InfoHash, parseInfoHash } from './info-hash.ts'
export {
  HASH_LENGTH,
  headerOf,
  INLINE_LIMIT,
  type MetaInfo,
  type MetaInfoHeader,
  PROTOCOL_VERSION,
} from './meta-info.ts'
export {
  keyHash,
  newPeerId,
  type PeerAddress,
  type PeerId,
  type PeerInfo,
  type PeerRole,
  parsePeerId,
  peerIdOf,
  peerIdOfHash,
  peerIdOfShown,
} from './peer.ts'
export {
  type LengthBounds,
  MAX_PIECE_LENGTH,
  PieceMap,
  type PieceRule,
  pieceLengthFor,
  pieceLengthsWithin,
  pieceRule,
} from './piece-map.ts'
export {
  classOfLevel,
  classWeights,
  isHigherClass,
  lowerClass,
  MAX_PULL_LEVEL,
  type PullClass,
  type PullTerms,
  pullClasses,
} from './pull-class.ts'
export { lessUrgent, type ReadPriority, readPriorities } from './read-priority.ts'
export {
  OWN_REGISTRY,
  ownRepository,
  parseRegistryHost,
  parseRepository,
  parseRepositoryName,
  parseTag,
  type RegistryHost,
  type Repository,
  type RepositoryName,
  repositoryText,
  sameRepository,
  type Tag,
} from './repository.ts'
export { type RepositoryGlob, repositoryGlob, sampleOf } from './repository-glob.ts'
export { parseSwarmId, type SwarmId, swarmIdOf } from './swarm-id.ts'
export { type WaitCause, type WaitFacts, type WaitSide, waitCauses } from './wait-cause.ts'
export { parseWebUrl, URL_REGISTRY, urlRepository, type WebUrl } from './web-url.ts'
export { releasedLength, WITHHELD_TAIL_BYTES } from './withheld-tail.ts'
