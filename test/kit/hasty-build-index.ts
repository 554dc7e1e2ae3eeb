/**
 * A program for tests of garbage: a build-index with shorter times than any config has, and a clock that may be ahead. Takes
 * the flags of a build-index; the variable `HASTY` has the times as JSON.
 */
import { processHost, systemClock } from '../../lib/base/index.ts'
import { runService, serviceDoor } from '../../lib/service/index.ts'
import { type BuildIndexComponents, buildIndexSchema, buildIndexService } from '../../services/build-index/index.ts'

/** Times of the looks, and how far the clock is ahead, in milliseconds. */
export interface Haste extends NonNullable<BuildIndexComponents['garbageTimes']> {
  readonly aheadMs?: number
}

const host = processHost()
const { aheadMs = 0, ...garbageTimes } = JSON.parse(host.env['HASTY'] ?? '{}') as Haste
const clock = systemClock()

const door = serviceDoor({
  kind: 'buildIndex',
  schema: buildIndexSchema,
  make: (components, config) =>
    buildIndexService({ ...components, clock: { ...clock, now: () => clock.now() + aheadMs }, garbageTimes }, config),
})

process.exitCode = await runService(door, process.argv.slice(2), host)
