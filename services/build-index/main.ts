import { type ProcessHost, processHost } from '../../lib/base/index.ts'
import { runProgram } from '../../lib/service/index.ts'
import { buildIndexSchema } from './config.ts'
import { buildIndexService } from './service.ts'

/** Runs one build-index until SIGTERM or SIGINT; gives the exit code. */
export function run(argv: readonly string[], host: ProcessHost): Promise<number> {
  return runProgram(
    { name: 'build-index', schema: buildIndexSchema, make: (config) => buildIndexService({}, config) },
    argv,
    host,
  )
}

if (process.argv[1] === import.meta.filename) process.exitCode = await run(process.argv.slice(2), processHost())
