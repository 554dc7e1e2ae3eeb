export {
  type BencodeDictionary,
  type BencodeInput,
  type BencodeLimits,
  type BencodeValue,
  checkBencode,
  decodeBencode,
  encodeBencode,
  isBencodeDictionary,
} from './bencode.ts'
export { type BlobHasher, type BlobHashes, blobHasher } from './blob-hasher.ts'
export { blockHashing, type Hashing } from './hashing.ts'
export { decodeMetainfo, type MetainfoDecoder, metainfoDecoder } from './metainfo-decoder.ts'
export { encodeMetainfo, encodePieces, encodeRecord } from './metainfo-encoder.ts'
export { checkHeader, MAX_BLOB_LENGTH } from './metainfo-header.ts'
export { type MetainfoChange, type MetainfoLog, metainfoLog } from './metainfo-log.ts'
export type { MetainfoRecord, NamedPeers } from './metainfo-record.ts'
export { inlineDigester, type PieceDigester, type RunningDigest, threadDigester } from './piece-digester.ts'
export { hashPiece, hashPieces, type PieceHasher, pieceHasher, SHA1_LENGTH } from './piece-hashing.ts'
export { type BlobTorrent, infoHashOf, torrentFile } from './torrent-file.ts'
