import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto'
import { type AbortOptions, appError, slots } from '../../../lib/base/index.ts'

/** Passwords become hashes of scrypt, each with its parameters, so that those can change. */
export interface Passwords {
  /** @throws TOOMANYREQUESTS, ABORTED */
  hash(password: string, options: AbortOptions): Promise<string>
  /**
   * Whether that is the password of the hash. Without a hash it takes as long, and says no.
   * @throws TOOMANYREQUESTS, ABORTED
   */
  matches(password: string, hash: string | undefined, options: AbortOptions): Promise<boolean>
  /** Whether the hash was made with other parameters than new ones are. */
  isOld(hash: string): boolean
}

/** Of scrypt: N is 2 to the power of `cost`. */
export interface PasswordWork {
  readonly cost: number
  readonly block: number
  readonly parallel: number
}

/** 16 MiB, and about a third of a second. */
const USUAL: PasswordWork = { cost: 14, block: 8, parallel: 5 }
/** Hashes that are made at once, and those that wait. */
const AT_ONCE = 2
const MAX_WAITING = 32
const SALT_BYTES = 16
const HASH_BYTES = 32

interface Parsed extends PasswordWork {
  readonly salt: Buffer
  readonly hash: Buffer
}

const textOf = ({ cost, block, parallel, salt, hash }: Parsed) =>
  ['scrypt', cost, block, parallel, salt.toString('base64'), hash.toString('base64')].join('$')

function parse(text: string): Parsed {
  const [, cost, block, parallel, salt = '', hash = ''] = text.split('$')
  return {
    ...{ cost: Number(cost), block: Number(block), parallel: Number(parallel) },
    salt: Buffer.from(salt, 'base64'),
    hash: Buffer.from(hash, 'base64'),
  }
}

function derive(password: string, salt: Buffer, { cost, block, parallel }: PasswordWork): Promise<Buffer> {
  const N = 2 ** cost
  const options = { N, r: block, p: parallel, maxmem: 2 * 128 * N * block }
  return new Promise((resolve, reject) => {
    scrypt(password.normalize('NFKC'), salt, HASH_BYTES, options, (err, key) => {
      if (err === null) resolve(key)
      else reject(err)
    })
  })
}

export function passwords(work: PasswordWork = USUAL): Passwords {
  const turns = slots(AT_ONCE)
  const inTurn = async <T>(make: () => Promise<T>, options: AbortOptions): Promise<T> => {
    if (turns.waiting < MAX_WAITING) return turns.run(make, options)
    throw appError('TOOMANYREQUESTS', { message: 'too many passwords wait to be checked' })
  }
  const nobody: Parsed = { ...work, salt: randomBytes(SALT_BYTES), hash: randomBytes(HASH_BYTES) }
  return {
    hash: (password, options) =>
      inTurn(async () => {
        const salt = randomBytes(SALT_BYTES)
        return textOf({ ...work, salt, hash: await derive(password, salt, work) })
      }, options),
    matches: (password, hash, options) =>
      inTurn(async () => {
        const right = hash === undefined ? nobody : parse(hash)
        const isSame = timingSafeEqual(await derive(password, right.salt, right), right.hash)
        return isSame && hash !== undefined
      }, options),
    isOld(hash) {
      const { cost, block, parallel } = parse(hash)
      return cost !== work.cost || block !== work.block || parallel !== work.parallel
    },
  }
}
