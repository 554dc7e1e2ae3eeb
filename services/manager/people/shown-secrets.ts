import { createHash } from 'node:crypto'
import type { Random } from '../../../lib/base/index.ts'

/** What is shown once and kept as a hash. They are random, so nothing slower than SHA-256 is needed. */
const SECRET_BYTES = 32

const OF_SHOAL = 'shoal_'

/** All tokens begin so: secret scanners find them. */
export const TOKEN_PREFIX = `${OF_SHOAL}pat_`

export const newSecret = (random: Random): string => Buffer.from(random.bytes(SECRET_BYTES)).toString('base64url')

/** In hex. What is looked up by it tells nothing by the time that it takes: who does not know the text cannot choose its hash. */
export const secretHash = (text: string): string => createHash('sha256').update(text).digest('hex')
