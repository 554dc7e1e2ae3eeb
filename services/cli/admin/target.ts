import { readFile } from 'node:fs/promises'
import { appError, type ProcessHost } from '../../../lib/base/index.ts'
import { clusterToken, loadConfig } from '../../../lib/config/index.ts'
import { listenerConfig, type ServiceKind, serviceFacts } from '../../../lib/service/index.ts'
import { doors } from '../../herd/index.ts'

/** Flags that say where the service is, and with which token to call it. */
export interface TargetFlags {
  readonly url?: string
  readonly token?: string
  readonly tokenFile?: string
  /** Files with the config and the secrets of the service itself. */
  readonly config?: string
  readonly secrets?: string
}

/** URL of a service and the token for it. */
export interface Target {
  readonly url: string
  readonly token: string | undefined
}

/** Environment variable that holds the token, so that it need not be on a command line. */
export const TOKEN_VARIABLE = 'SHOAL_TOKEN'

const fileToken = async (file: string): Promise<string> =>
  (
    await readFile(file, 'utf8').catch((err: unknown) => {
      throw appError('CONFIG_INVALID', { message: `cannot read the token file: ${file}`, cause: err })
    })
  ).trim()

/** @throws CONFIG_INVALID */
function usableUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return text.replace(/\/+$/, '')
  throw appError('CONFIG_INVALID', { message: `"${text}" is not a URL; write it like http://127.0.0.1:64004` })
}

/** The token of the call, if any; the empty variable is as good as none. @throws CONFIG_INVALID without the token's text */
async function givenToken({ token, tokenFile }: TargetFlags, env: ProcessHost['env']): Promise<string | undefined> {
  const variable = env[TOKEN_VARIABLE]?.trim()
  const given = token ?? (tokenFile === undefined ? variable || undefined : await fileToken(tokenFile))
  if (given === undefined || clusterToken.safeParse(given).success) return given
  throw appError('CONFIG_INVALID', { message: 'the token must be ASCII characters without spaces, and not empty' })
}

/** A service that listens on all addresses is reached at the loopback address. */
const reachable = (host: string) => {
  if (host === '0.0.0.0') return '127.0.0.1'
  if (host === '::') return '[::1]'
  return host.includes(':') ? `[${host}]` : host
}

/**
 * The target from the flags, or else from the service's config; without a config file, from the default config.
 * @throws CONFIG_INVALID
 */
export async function targetOf(kind: ServiceKind, flags: TargetFlags, env: ProcessHost['env']): Promise<Target> {
  const config = await loadConfig(doors[kind].schema, { file: flags.config, secretsFile: flags.secrets, env })
  const { bind } = listenerConfig(config, serviceFacts(kind).listeners['admin']?.key ?? 'admin')
  return {
    url: usableUrl(flags.url ?? `http://${reachable(bind.host)}:${bind.port}`),
    token: (await givenToken(flags, env)) ?? config.token,
  }
}
