import { readFile } from 'node:fs/promises'
import { appError, type ProcessHost } from '../../../lib/base/index.ts'
import { loadConfig } from '../../../lib/config/index.ts'
import { listenerConfig, type ServiceKind, serviceFacts } from '../../../lib/service/index.ts'
import { doors } from '../../herd/index.ts'

/** Flags that say where a service is and who calls. */
export interface TargetFlags {
  readonly url?: string
  readonly token?: string
  readonly tokenFile?: string
  /** The config and the secrets of the service itself. */
  readonly config?: string
  readonly secrets?: string
}

/** Where a service is, and the token to show it. */
export interface Target {
  readonly url: string
  readonly token: string | undefined
}

/** The variable that holds the token, where it shall stand on no command line. */
export const TOKEN_VARIABLE = 'SHOAL_TOKEN'

const fileToken = async (file: string): Promise<string> =>
  (
    await readFile(file, 'utf8').catch((err: unknown) => {
      throw appError('CONFIG_INVALID', { message: `cannot read the file of the token: ${file}`, cause: err })
    })
  ).trim()

/** A bind for all addresses is reached at this machine's own. */
const reachable = (host: string) => {
  if (host === '0.0.0.0') return '127.0.0.1'
  if (host === '::') return '[::1]'
  return host.includes(':') ? `[${host}]` : host
}

/**
 * From the flags, else from the config of the service, which without a file is the default one.
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
