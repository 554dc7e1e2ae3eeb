/**
 * A program for tests of pushes: an origin that kills itself at a step. Arguments: the step, then an origin's flags.
 */
import { openBackends } from '../../lib/backend/index.ts'
import { processHost, systemClock, systemRandom } from '../../lib/base/index.ts'
import { runService, serviceDoor } from '../../lib/service/index.ts'
import { silentLogger, silentMetrics } from '../../lib/telemetry/index.ts'
import { originSchema, originService } from '../../services/origin/index.ts'
import { reportingParts } from './push-steps.ts'

const [last = '', ...flags] = process.argv.slice(2)
const outside = { clock: systemClock(), random: systemRandom(), logger: silentLogger(), metrics: silentMetrics() }

const door = serviceDoor({
  kind: 'origin',
  schema: originSchema,
  make: (_components, config) =>
    originService(
      reportingParts(
        (step) => {
          if (step === last) process.kill(process.pid, 'SIGKILL')
        },
        openBackends(outside, config.backends),
      ),
      config,
    ),
})

process.exitCode = await runService(door, flags, processHost())
