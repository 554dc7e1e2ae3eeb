import { type ProcessHost, processHost } from '../../lib/base/index.ts'
import { runProgram } from '../../lib/service/index.ts'
import { agentSchema } from './config.ts'
import { agentService } from './service.ts'

/** Runs one agent until SIGTERM or SIGINT; gives the exit code. */
export function run(argv: readonly string[], host: ProcessHost): Promise<number> {
  return runProgram({ name: 'agent', schema: agentSchema, make: (config) => agentService({}, config) }, argv, host)
}

if (process.argv[1] === import.meta.filename) process.exitCode = await run(process.argv.slice(2), processHost())
