export { crc64Ecma } from './crc64.ts'
export { type SignedRequest, signatureOf, type TosKey } from './signature.ts'
export { tosFault } from './tos-refusal.ts'
export { TOS_KEY_ID, TOS_SECRET, type TosServer, type TosServerInit, tosServer } from './tos-server.ts'
