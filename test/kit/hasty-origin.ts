/**
 * A program for tests of garbage: an origin whose looks for sentences count for less time than a short grace. Takes the flags
 * of an origin; the variable `HASTY` has the times as JSON.
 */
import { processHost } from '../../lib/base/index.ts'
import { runService, serviceDoor } from '../../lib/service/index.ts'
import { originSchema, originService } from '../../services/origin/index.ts'
import type { Haste } from './hasty-build-index.ts'

const host = processHost()
const { graceMs = 0 } = JSON.parse(host.env['HASTY'] ?? '{}') as Haste

const door = serviceDoor({
  kind: 'origin',
  schema: originSchema,
  // As a minute is to the shortest grace of a config, an hour.
  make: (components, config) => originService({ ...components, sentenceLookMs: graceMs / 60 }, config),
})

process.exitCode = await runService(door, process.argv.slice(2), host)
