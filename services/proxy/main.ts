import { type ProcessHost, processHost } from '../../lib/base/index.ts'
import { runProgram } from '../../lib/service/index.ts'
import { proxySchema } from './config.ts'
import { proxyService } from './service.ts'

/** Runs one proxy until SIGTERM or SIGINT; gives the exit code. */
export function run(argv: readonly string[], host: ProcessHost): Promise<number> {
  return runProgram({ name: 'proxy', schema: proxySchema, make: (config) => proxyService({}, config) }, argv, host)
}

if (process.argv[1] === import.meta.filename) process.exitCode = await run(process.argv.slice(2), processHost())
