import { readFile } from 'node:fs/promises'
import { appError, type Clock, codeOf } from '../../base/index.ts'
import type { Logger } from '../../telemetry/index.ts'
import { type TosConfig, tosCredentialFileSchema } from './config.ts'

/** A credentials file is read again when the last read is this old. */
const REREAD_MS = 10_000

export interface TosCredentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly securityToken: string | undefined
}

export interface CredentialSource {
  /** Gives the same object as long as the credentials are unchanged. @throws BACKEND_DENIED */
  current(): Promise<TosCredentials>
  /** Reads the source of the credentials again, at once. True when they changed. @throws BACKEND_DENIED */
  renew(): Promise<boolean>
}

export interface CredentialComponents {
  readonly clock: Clock
  readonly logger: Logger
}

export function credentialSource(components: CredentialComponents, config: TosConfig['credentials']): CredentialSource {
  if ('file' in config) return fileCredentials(components, config.file)
  const fixed = { securityToken: undefined, ...config }
  return { current: async () => fixed, renew: async () => false }
}

interface Known {
  readonly text: string
  readonly credentials: TosCredentials
  readonly expiresMs: number
}

/** Temporary credentials that another program renews in a file. A half-written file is read again later. */
function fileCredentials({ clock, logger }: CredentialComponents, file: string): CredentialSource {
  let known: Known | undefined
  let readMs = 0

  const read = async (): Promise<Known> => {
    readMs = clock.monotonicMs()
    try {
      const text = await readFile(file, 'utf8')
      if (text !== known?.text) known = parsed(text)
    } catch (err) {
      if (known === undefined) throw unreadable(file, err)
      // The error is not logged, because a parser quotes the text on which it fails.
      logger.warn('failed to read the credentials of the backend again; the old ones stay in use', {
        file,
        reason: reasonOf(err),
      })
    }
    return known
  }

  return {
    async current() {
      const isFresh = known !== undefined && clock.monotonicMs() - readMs < REREAD_MS && clock.now() < known.expiresMs
      const { credentials, expiresMs } = isFresh && known !== undefined ? known : await read()
      if (clock.now() >= expiresMs) throw expired(file, expiresMs)
      return credentials
    },
    async renew() {
      const before = known?.text
      return (await read()).text !== before
    },
  }
}

function parsed(text: string): Known {
  const { accessKeyId, secretAccessKey, securityToken, expiration } = tosCredentialFileSchema.parse(JSON.parse(text))
  const expiresMs = expiration === undefined ? Number.POSITIVE_INFINITY : Date.parse(expiration)
  return { text, credentials: { accessKeyId, secretAccessKey, securityToken }, expiresMs }
}

const reasonOf = (err: unknown) => codeOf(err) ?? 'malformed'

function unreadable(file: string, cause: unknown) {
  const message = 'the file of credentials for the backend is missing or not as documented; look at what writes it'
  return appError('BACKEND_DENIED', { message, detail: { file, reason: reasonOf(cause) } })
}

function expired(file: string, expiresMs: number) {
  const message = 'the temporary credentials for the backend have ended; look at what renews their file'
  return appError('BACKEND_DENIED', { message, detail: { file, expiration: new Date(expiresMs).toISOString() } })
}
