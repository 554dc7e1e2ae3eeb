import type { ProcessHost } from '../../../lib/base/index.ts'
import { flaggedConfig, runService, serviceRuntime } from '../../../lib/service/index.ts'
import { silentLogger } from '../../../lib/telemetry/index.ts'
import { type ManagerTools, managerDoor, managerTools } from '../../manager/index.ts'
import { exitCodeOf, exitCodes, failureText } from '../exit-codes.ts'

interface Tool {
  /** A word of the command line that the tool takes; undefined: none. */
  readonly takes?: string
  readonly what: string
  run(tools: ManagerTools, given: string): Promise<string>
}

const toolTable: Readonly<Record<string, Tool>> = {
  backup: {
    takes: 'FILE',
    what: 'writes everything of one moment into a new file, also while the manager runs',
    run: async (tools, path) => `${await tools.backUp(path)} rows are in ${path}`,
  },
  restore: {
    takes: 'FILE',
    what: 'puts a backup into an empty database',
    run: async (tools, path) => `${await tools.restore(path)} rows were restored`,
  },
  'first-admin': {
    what: 'tells a link that makes the first admin, once, within a day',
    run: (tools) => tools.firstAdmin(),
  },
}

const USAGE = Object.entries(toolTable)
  .map(([name, { takes = '', what }]) => `  shoal manager ${`${name} ${takes}`.trim()} --config <file>: ${what}`)
  .join('\n')

/** `shoal manager`: the service, or one of the tools beside it. */
export async function runManager(argv: readonly string[], host: ProcessHost): Promise<number> {
  const [name = '', ...rest] = argv
  const tool = Object.hasOwn(toolTable, name) ? toolTable[name] : undefined
  if (tool === undefined) {
    const outcome = await runService(managerDoor, argv, host)
    if (argv.includes('--help') || argv.includes('-h')) host.complain(USAGE)
    return outcome
  }
  const [given, flags] = tool.takes === undefined ? ['', rest] : [rest[0] ?? '', rest.slice(1)]
  if (given.startsWith('-') || (given === '' && tool.takes !== undefined)) {
    host.complain(`shoal manager ${name}: name a file first\n${USAGE}`)
    return exitCodes.usage
  }
  try {
    const config = await flaggedConfig(managerDoor, flags, host)
    if (config === undefined) return exitCodes.done
    const runtime = serviceRuntime('manager', config, { logger: silentLogger() })
    host.say(await tool.run(managerTools(runtime, config), given))
    return exitCodes.done
  } catch (err) {
    host.complain(`shoal manager ${name}: ${failureText(err)}`)
    return exitCodeOf(err)
  }
}
