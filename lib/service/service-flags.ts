import { parseArgs } from 'node:util'
import { appError } from '../base/index.ts'
import type { ConfigSources } from '../config/index.ts'

/** What the flags of a service say: where its config comes from, or that its usage is wanted. @throws CONFIG_INVALID */
export function serviceFlags(argv: readonly string[]): ConfigSources | 'help' {
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: {
        config: { type: 'string' },
        secrets: { type: 'string' },
        set: { type: 'string', multiple: true },
        help: { type: 'boolean', short: 'h' },
      },
    })
    if (values.help === true) return 'help'
    return { file: values.config, secretsFile: values.secrets, overrides: values.set ?? [] }
  } catch (err) {
    throw appError('CONFIG_INVALID', { message: err instanceof TypeError ? err.message : String(err), cause: err })
  }
}
