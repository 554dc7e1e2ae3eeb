import { resolve } from 'node:path'
import { Command } from 'commander'
import { appError, type ProcessHost, processHost, systemRandom } from '../../lib/base/index.ts'
import { runUntilTold } from '../../lib/service/index.ts'
import { jsonLogger, type LogLevel } from '../../lib/telemetry/index.ts'
import { planHerd, portCount } from './plan.ts'
import { autoPorts, fixedPorts } from './ports.ts'
import { endpointsOf, pullLine, welcome } from './report.ts'
import { herdService } from './service.ts'

interface Flags {
  readonly agents: number
  readonly origins: number
  readonly trackers: number
  readonly managers: number
  readonly data: string
  readonly ports: 'auto' | 'fixed'
  readonly json?: boolean
  readonly log: LogLevel
  readonly set: readonly string[]
}

const MAX_INSTANCES = 500
/** Of the token by which the services of a herd join its manager; a new one at each start. */
const TOKEN_BYTES = 24

const count = (text: string): number => {
  const value = Number(text)
  if (Number.isInteger(value) && value >= 1 && value <= MAX_INSTANCES) return value
  throw appError('CONFIG_INVALID', { message: `"${text}" must be a whole number from 1 to ${MAX_INSTANCES}` })
}

/** Several would each have a database of their own. */
const managerCount = (text: string): number => {
  const value = Number(text)
  if (value === 0 || value === 1) return value
  throw appError('CONFIG_INVALID', { message: `a herd has no manager or one, not "${text}"` })
}

const oneOf =
  <T extends string>(...choices: readonly T[]) =>
  (text: string): T => {
    const choice = choices.find((each) => each === text)
    if (choice !== undefined) return choice
    throw appError('CONFIG_INVALID', { message: `"${text}" must be one of ${choices.join(', ')}` })
  }

const append = (text: string, before: readonly string[]) => [...before, text]

function parseFlags(argv: readonly string[]): Flags {
  return new Command('herd')
    .description('All services of a shoal in one process, on the file backend.')
    .option('--agents <n>', 'number of agents', count, 3)
    .option('--origins <n>', 'number of origins', count, 3)
    .option('--trackers <n>', 'number of trackers', count, 2)
    .option('--managers <n>', 'a manager that all join: 0 or 1', managerCount, 1)
    .option('--data <dir>', 'data folder', 'data')
    .option('--ports <auto|fixed>', 'the documented ports, or any free ones', oneOf('auto', 'fixed'), 'fixed')
    .option('--json', 'print only the endpoints on stdout, as one line of JSON')
    .option(
      '--log <level>',
      'lowest level of log lines on stderr',
      oneOf('debug', 'info', 'warn', 'error', 'silent'),
      'warn',
    )
    .option(
      '--set <service.key=value>',
      'sets a config key of all instances of a service: agent.limits.upload=20MB/s',
      append,
      [],
    )
    .parse(argv, { from: 'user' })
    .opts<Flags>()
}

/** Runs a herd until SIGTERM or SIGINT; returns the exit code. */
export function run(argv: readonly string[], host: ProcessHost): Promise<number> {
  return runUntilTold('herd', host, async () => {
    const flags = parseFlags(argv)
    const { agents, origins, trackers, managers } = flags
    const joinToken = managers > 0 ? Buffer.from(systemRandom().bytes(TOKEN_BYTES)).toString('hex') : undefined
    const size = { agents, origins, trackers, managers, joinToken }
    const ports = flags.ports === 'fixed' ? fixedPorts() : await autoPorts(portCount(size))
    const plan = planHerd(size, ports, resolve(flags.data))
    const print = (line: string) => (flags.json === true ? host.complain(line) : host.say(line))
    const logger = jsonLogger({ level: flags.log, service: 'herd', stream: process.stderr })
    let signIn: string | undefined
    const herd = await herdService(
      {
        logger,
        onPull: (agent, summary) => print(pullLine(agent, summary)),
        onFirstAdminLink(link) {
          signIn = link
        },
      },
      { plan, overrides: flags.set },
    )
    const told = endpointsOf(plan)
    const text = () => (flags.json === true ? JSON.stringify({ ...told, signIn }) : welcome(told, signIn))
    return { ...herd, onStarted: () => host.say(text()) }
  })
}

if (process.argv[1] === import.meta.filename) process.exitCode = await run(process.argv.slice(2), processHost())
