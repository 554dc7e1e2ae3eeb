import { readFile } from 'node:fs/promises'
import { type AbortOptions, appError } from '../../base/index.ts'
import { askHelper, type HelperComponents } from './credential-helper.ts'
import type { Credentials, Login } from './credentials.ts'

/** Docker keeps the login of its own hub under this key, whatever the hub's host name is. */
const HUB_SERVER = 'https://index.docker.io/v1/'
const HUB_HOSTS = ['docker.io', 'index.docker.io', 'registry-1.docker.io']

/** Allows no path and no option in the name of a program. */
const helperName = /^[A-Za-z0-9][A-Za-z0-9._-]*$/

type Fields = Readonly<Record<string, unknown>>

/**
 * Logins as `docker login` saves them in `config.json`: from the helper for the host (`credHelpers`), the helper for
 * all hosts (`credsStore`), then from the file itself (`auths`).
 */
export function dockerConfigCredentials(
  components: HelperComponents,
  { file, host }: { readonly file: string; readonly host: string },
): Credentials {
  const server = HUB_HOSTS.includes(host) ? HUB_SERVER : host

  const fromHelper = async (name: unknown, options: AbortOptions): Promise<Login | undefined> => {
    if (name === undefined) return undefined
    if (typeof name !== 'string' || !helperName.test(name)) throw malformed(file, 'the name of a helper')
    return askHelper(components, { name, server, ...options })
  }

  return {
    async find(options) {
      const config = await readConfig(file)
      const own = await fromHelper(fieldsOf(config['credHelpers'])[server], options)
      if (own !== undefined) return own
      const common = await fromHelper(config['credsStore'], options)
      return common ?? loginIn(file, entryFor(fieldsOf(config['auths']), host))
    },
  }
}

/** @throws CONFIG_INVALID; its message names the file but nothing of its content */
async function readConfig(file: string): Promise<Fields> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (err) {
    throw appError('CONFIG_INVALID', { message: `the config of docker cannot be read: ${file}`, cause: err })
  }
  try {
    return fieldsOf(JSON.parse(text))
  } catch {
    throw malformed(file, 'the file')
  }
}

function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {}
}

/** Old entries are URLs; their scheme and path are ignored. */
function entryFor(auths: Fields, host: string): Fields | undefined {
  const hosts = HUB_HOSTS.includes(host) ? HUB_HOSTS : [host]
  const found = Object.entries(auths).find(([name]) =>
    hosts.includes(name.replace(/^https?:\/\//, '').replace(/\/.*$/, '')),
  )
  return found && fieldsOf(found[1])
}

function loginIn(file: string, entry: Fields | undefined): Login | undefined {
  const { identitytoken: token, auth, username, password } = entry ?? {}
  if (typeof token === 'string' && token !== '') return { kind: 'identity', token }
  if (typeof username === 'string' && typeof password === 'string') return { kind: 'password', username, password }
  if (typeof auth !== 'string' || auth === '') return undefined
  const text = Buffer.from(auth, 'base64').toString('utf8')
  const at = text.indexOf(':')
  if (at < 1) throw malformed(file, 'an entry of auths')
  return { kind: 'password', username: text.slice(0, at), password: text.slice(at + 1).replace(/\0+$/, '') }
}

function malformed(file: string, what: string) {
  return appError('CONFIG_INVALID', { message: `the config of docker is malformed (${what}): ${file}` })
}
