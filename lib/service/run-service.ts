import { appError, optimiseLate, type ProcessHost } from '../base/index.ts'
import { loadConfig } from '../config/index.ts'
import type { ServiceSchema } from './config.ts'
import { runUntilTold } from './run-until-told.ts'
import { serviceRuntime } from './runtime.ts'
import type { ServiceDoor } from './service-door.ts'
import { serviceFlags } from './service-flags.ts'
import { serviceFacts } from './service-table.ts'

const usage = (name: string) =>
  `usage: shoal ${name} [--config FILE] [--secrets FILE] [--set a.b=c ...]\n` +
  `  --config   YAML; config/${name}/base.yaml documents every key\n` +
  `  --secrets  YAML of the same shape, for what must not stand in the config\n` +
  `  --set      sets one key, over everything else`

const secretKey =
  /^\s*secrets\b|^\s*manager\.token\s*$|^\s*tracing\.headers\b|(?:^|\.)(?:password|secret|uploadSecret|secretAccessKey|sessionToken|securityToken)\s*$/

/** Everybody on the machine sees the arguments of a process. @throws CONFIG_INVALID */
function refuseSecrets(overrides: readonly string[]): void {
  const key = overrides.map((override) => override.split('=', 1)[0] ?? '').find((name) => secretKey.test(name))
  if (key === undefined) return
  const variable = `SHOAL__${key.trim().replaceAll('.', '__')}`
  const message = `${key} on a command line is seen by every user; use a file with --secrets, or the variable ${variable}`
  throw appError('CONFIG_INVALID', { message })
}

/** The config of a service as its flags say; undefined when its usage was wanted, and told. @throws CONFIG_INVALID */
export async function flaggedConfig<S extends ServiceSchema>(
  { kind, schema }: Pick<ServiceDoor<S>, 'kind' | 'schema'>,
  argv: readonly string[],
  host: Pick<ProcessHost, 'complain' | 'env'>,
) {
  const flags = serviceFlags(argv)
  if (flags === 'help') {
    host.complain(usage(serviceFacts(kind).name))
    return undefined
  }
  refuseSecrets(flags.overrides ?? [])
  return loadConfig(schema, { ...flags, env: host.env })
}

/** Runs one service as a program, as its flags say; gives the exit code, as `runUntilTold` does. */
export function runService<S extends ServiceSchema>(
  door: ServiceDoor<S>,
  argv: readonly string[],
  host: ProcessHost,
): Promise<number> {
  const { name } = serviceFacts(door.kind)
  // The others are few, run for weeks and serve all the time.
  if (door.kind === 'agent' || door.kind === 'tracker') optimiseLate()
  return runUntilTold(name, host, async () => {
    const config = await flaggedConfig(door, argv, host)
    if (config === undefined) return undefined
    const runtime = serviceRuntime(door.kind, config)
    return { service: door.make(runtime, config), runtimes: [runtime] }
  })
}
