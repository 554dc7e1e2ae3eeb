import { parseArgs } from 'node:util'
import { appError, isAppError, type ProcessHost, type Startable } from '../base/index.ts'
import { type ConfigSources, loadConfig } from '../config/index.ts'

type ConfigSchema = Parameters<typeof loadConfig>[0]

/** One service as a program. */
export interface Program<S extends ConfigSchema> {
  readonly name: string
  readonly schema: S
  readonly make: (config: Awaited<ReturnType<typeof loadConfig<S>>>) => Startable
}

const usage = (name: string) =>
  `usage: shoal ${name} [--config FILE] [--secrets FILE] [--set a.b=c ...]\n` +
  `  --config   YAML; config/${name}/base.yaml documents every key\n` +
  `  --secrets  YAML of the same shape, for what must not stand in the config\n` +
  `  --set      sets one key, over everything else`

function parseFlags(argv: readonly string[]): ConfigSources | 'help' {
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

const secretKey = /(?:^|\.)(?:token|password|uploadSecret|secretAccessKey|sessionToken|securityToken)\s*$/

/** Everybody on the machine sees the arguments of a process. @throws CONFIG_INVALID */
function refuseSecrets(overrides: readonly string[]): void {
  const key = overrides.map((override) => override.split('=', 1)[0] ?? '').find((name) => secretKey.test(name))
  if (key === undefined) return
  const variable = `SHOAL__${key.trim().replaceAll('.', '__')}`
  const message = `${key} on a command line is seen by every user; use a file with --secrets, or the variable ${variable}`
  throw appError('CONFIG_INVALID', { message })
}

/** Resolves at the first signal to stop. */
function terminated(host: ProcessHost): { readonly signal: Promise<void>; release(): void } {
  let release: () => void = () => undefined
  const signal = new Promise<void>((resolve) => {
    release = host.onTerminate(() => resolve())
  })
  return { signal, release: () => release() }
}

/**
 * Runs a service until SIGTERM or SIGINT, then drains it. Gives the exit code: 0 after an orderly stop, 1 when it could
 * not start (one line says why) or did not stop cleanly, 2 for wrong flags.
 */
export async function runProgram<S extends ConfigSchema>(
  program: Program<S>,
  argv: readonly string[],
  host: ProcessHost,
): Promise<number> {
  const stop = terminated(host)
  let started: Startable | undefined
  try {
    const flags = parseFlags(argv)
    if (flags === 'help') {
      host.complain(usage(program.name))
      return 0
    }
    refuseSecrets(flags.overrides ?? [])
    const service = program.make(await loadConfig(program.schema, { ...flags, env: host.env }))
    await service.start()
    started = service
    await stop.signal
    return 0
  } catch (err) {
    const code = isAppError(err) ? err.code : 'UNKNOWN'
    const reason = typeof err === 'object' && err !== null && 'message' in err ? String(err.message) : String(err)
    host.complain(`shoal ${program.name}: ${code}: ${reason}`)
    return 1
  } finally {
    await started?.stop()
    stop.release()
  }
}
