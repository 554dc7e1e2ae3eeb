import { endedBySignals, processHost } from '../../lib/base/index.ts'

endedBySignals()
// What takes long to load comes behind the signals: process 1 of a container would miss one that is sent meanwhile.
const { run } = await import('./run.ts')

process.exitCode = await run(process.argv.slice(2), processHost())
