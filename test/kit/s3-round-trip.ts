/**
 * A program for tests of credentials that come from the environment of a process: writes and reads an object of the S3
 * backend configured by its first argument, as often as its second argument says, and prints the result.
 */
import { buffer } from 'node:stream/consumers'
import { inspect } from 'node:util'
import { defaultBackendLimits, governor } from '../../lib/backend/index.ts'
import { s3Schema } from '../../lib/backend/s3/config.ts'
import { s3Backend } from '../../lib/backend/s3/s3-backend.ts'
import { codeOf, systemClock, systemRandom } from '../../lib/base/index.ts'
import { recordingLogger, silentMetrics } from '../../lib/telemetry/index.ts'

/** The result of the program, as JSON on standard output. */
export interface RoundTrip {
  /** The content read last. */
  readonly content?: string
  /** The code of the error. */
  readonly code?: string | undefined
  readonly message?: string
  /** All text of the error and the log. */
  readonly told: string
  /** Milliseconds from the first request to the end. */
  readonly tookMs: number
}

const [config = '{}', times = '1'] = process.argv.slice(2)
const clock = systemClock()
const logger = recordingLogger()
const components = { clock, random: systemRandom(), logger, metrics: silentMetrics() }
const backend = s3Backend(
  { ...components, governor: governor(components, defaultBackendLimits) },
  s3Schema.parse(JSON.parse(config)),
)
await backend.start()
const startMs = clock.monotonicMs()

async function roundTrips(): Promise<Partial<RoundTrip>> {
  let content = ''
  for (let done = 0; done < Number(times); done += 1) {
    const bytes = Buffer.from(`content ${done}`)
    await backend.write('k', bytes, { size: bytes.length })
    const found = await backend.read('k')
    content = found === undefined ? '' : (await buffer(found.body)).toString()
  }
  return { content }
}

const failed = (err: unknown): Partial<RoundTrip> => {
  logger.error('failed', { err })
  return { code: codeOf(err), message: (err as Error).message, told: inspect(err, { depth: 12 }) }
}
const end = await roundTrips().catch(failed)
const told = (end.told ?? '') + inspect(logger.lines, { depth: 12 })
process.stdout.write(JSON.stringify({ ...end, told, tookMs: clock.monotonicMs() - startMs }))
await backend.stop()
