import { type ProcessHost, processHost } from '../../lib/base/index.ts'
import { runProgram } from '../../lib/service/index.ts'
import { originSchema } from './config.ts'
import { originService } from './service.ts'

/** Runs one origin until SIGTERM or SIGINT; gives the exit code. */
export function run(argv: readonly string[], host: ProcessHost): Promise<number> {
  return runProgram({ name: 'origin', schema: originSchema, make: (config) => originService({}, config) }, argv, host)
}

if (process.argv[1] === import.meta.filename) process.exitCode = await run(process.argv.slice(2), processHost())
