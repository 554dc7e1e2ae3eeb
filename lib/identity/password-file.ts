import { appError } from '../base/index.ts'

/** The bcrypt hash of the password of each user. */
export type PasswordHashes = ReadonlyMap<string, string>

/** `$2y$10$` and 53 characters: the cost, the salt and the hash. */
const hashShape = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/
const nameShape = /^[\x21-\x39\x3b-\x7e]{1,128}$/
/** A hash of a higher cost keeps a thread busy for seconds. */
const COSTS = { least: 4, most: 15 }

/**
 * A file as `htpasswd -B` writes it: `NAME:HASH`, one user a line; blank lines and those with `#` in front are left out.
 * @throws CONFIG_INVALID naming the line, and nothing that stands in it
 */
export function parsePasswordFile(text: string): PasswordHashes {
  const users = new Map<string, string>()
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === '' || line.startsWith('#')) continue
    const colon = line.indexOf(':')
    const [name, hash] = [line.slice(0, colon), line.slice(colon + 1).trim()]
    if (colon < 0 || !nameShape.test(name)) throw broken(index, 'it is not of the form NAME:HASH')
    if (users.has(name)) throw broken(index, 'this name stands in the file twice')
    const cost = Number(hashShape.exec(hash)?.[1])
    if (Number.isNaN(cost)) throw broken(index, 'only bcrypt is understood; write it with htpasswd -B')
    if (cost < COSTS.least || cost > COSTS.most) {
      throw broken(index, `the cost of the hash must be ${COSTS.least} to ${COSTS.most}`)
    }
    users.set(name, hash)
  }
  return users
}

function broken(index: number, why: string) {
  return appError('CONFIG_INVALID', { message: `line ${index + 1} of the file of users: ${why}` })
}
