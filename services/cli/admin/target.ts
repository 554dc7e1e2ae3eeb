import { readFile } from 'node:fs/promises'
import { appError, type ProcessHost } from '../../../lib/base/index.ts'
import { loadConfig } from '../../../lib/config/index.ts'
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
  const named = flags.token ?? (flags.tokenFile === undefined ? env[TOKEN_VARIABLE] : await fileToken(flags.tokenFile))
  return {
    url: (flags.url ?? `http://${reachable(bind.host)}:${bind.port}`).replace(/\/+$/, ''),
    token: named ?? config.token,
  }
}
