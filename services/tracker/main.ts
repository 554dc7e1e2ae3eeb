import { type ProcessHost, processHost } from '../../lib/base/index.ts'
import { runProgram } from '../../lib/service/index.ts'
import { trackerSchema } from './config.ts'
import { trackerService } from './service.ts'

/** Runs one tracker until SIGTERM or SIGINT; gives the exit code. */
export function run(argv: readonly string[], host: ProcessHost): Promise<number> {
  return runProgram(
    { name: 'tracker', schema: trackerSchema, make: (config) => trackerService({}, config) },
    argv,
    host,
  )
}

if (process.argv[1] === import.meta.filename) process.exitCode = await run(process.argv.slice(2), processHost())
