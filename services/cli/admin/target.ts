import { readFile } from 'node:fs/promises'
import { appError, type ProcessHost, systemClock, type TlsMaterial } from '../../../lib/base/index.ts'
import { loadConfig, secretText } from '../../../lib/config/index.ts'
import { tlsOnce } from '../../../lib/identity/index.ts'
import { listenerConfig, type ServiceKind, serviceFacts } from '../../../lib/service/index.ts'
import { doors } from '../../herd/index.ts'
import { addressOf } from '../own-address.ts'
import { shownSchema } from './config.ts'

/** Flags that say where the service is, and with which secret to call it. */
export interface TargetFlags {
  readonly url?: string
  readonly secretFile?: string
  /** Files with the config and the secrets of the service itself. */
  readonly config?: string
  readonly secrets?: string
}

/** URL of a service, the secret for it, and what its certificate is judged by. */
export interface Target {
  readonly url: string
  readonly secret: string | undefined
  /** As the service itself calls others; undefined when its config names no files. */
  readonly tls: TlsMaterial | undefined
}

/** Environment variable that holds the secret, so that it need not be on a command line. */
export const SECRET_VARIABLE = 'SHOAL_ADMIN_SECRET'

const fileSecret = async (file: string): Promise<string> =>
  (
    await readFile(file, 'utf8').catch((err: unknown) => {
      throw appError('CONFIG_INVALID', { message: `cannot read the file of the secret: ${file}`, cause: err })
    })
  ).trim()

/** @throws CONFIG_INVALID */
function usableUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return text.replace(/\/+$/, '')
  throw appError('CONFIG_INVALID', { message: `"${text}" is not a URL; write it like http://127.0.0.1:64004` })
}

/** The secret of the call, if any; the empty variable is as good as none. @throws CONFIG_INVALID without its text */
async function givenSecret({ secretFile }: TargetFlags, env: ProcessHost['env']): Promise<string | undefined> {
  const variable = env[SECRET_VARIABLE]?.trim()
  const given = secretFile === undefined ? variable || undefined : await fileSecret(secretFile)
  const parsed = secretText.optional().safeParse(given)
  if (parsed.success) return parsed.data
  throw appError('CONFIG_INVALID', { message: parsed.error.issues[0]?.message ?? 'the secret cannot be used' })
}

/**
 * The target from the flags, or else from the service's config; without a config file, from the default config.
 * @throws CONFIG_INVALID
 */
export async function targetOf(kind: ServiceKind, flags: TargetFlags, env: ProcessHost['env']): Promise<Target> {
  const sources = { file: flags.config, secretsFile: flags.secrets, env }
  const config = await loadConfig(doors[kind].schema, sources)
  const { secrets } = await loadConfig(shownSchema, sources)
  const listener = listenerConfig(config, serviceFacts(kind).listeners['admin']?.key ?? 'admin')
  return {
    url: usableUrl(flags.url ?? addressOf(config, listener)),
    secret: (await givenSecret(flags, env)) ?? (secrets.admin ?? secrets.adminRead)?.[0],
    tls: await tlsOnce(systemClock(), config.tls),
  }
}
