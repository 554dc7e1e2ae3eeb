import { deadline, type ProcessHost, systemClock } from '../../../lib/base/index.ts'
import { flaggedConfig, runService, serviceRuntime } from '../../../lib/service/index.ts'
import { silentLogger } from '../../../lib/telemetry/index.ts'
import { controllerDoor, type DryRun, dryRun } from '../../controller/index.ts'
import { fields, table } from '../admin/sheet.ts'
import { exitCodeOf, exitCodes, failureText } from '../exit-codes.ts'

/** Longest time of one look: a thousand caches that are silent take a quarter of it. */
const MAX_LOOK_MS = 60_000
const DRY_RUN = '--dry-run'
const JSON_FLAG = '--json'
const USAGE = '  --dry-run  says what it would do now and writes nothing; --json: as one line of JSON'

/** `shoal controller`: the service, or with `--dry-run` one look at what it would do. */
export async function runController(argv: readonly string[], host: ProcessHost): Promise<number> {
  if (!argv.includes(DRY_RUN)) {
    const outcome = await runService(controllerDoor, argv, host)
    if (argv.includes('--help') || argv.includes('-h')) host.complain(USAGE)
    return outcome
  }
  const cut = deadline(systemClock(), MAX_LOOK_MS)
  try {
    const rest = argv.filter((word) => word !== DRY_RUN && word !== JSON_FLAG)
    const config = await flaggedConfig(controllerDoor, rest, host)
    if (config === undefined) return exitCodes.done
    const runtime = serviceRuntime('controller', config, { logger: silentLogger() })
    const told = await dryRun(runtime, config, { signal: cut.signal })
    host.say(argv.includes(JSON_FLAG) ? JSON.stringify(told) : dryRunText(told))
    return exitCodes.done
  } catch (err) {
    host.complain(`shoal controller ${DRY_RUN}: ${failureText(err)}`)
    return exitCodeOf(err)
  } finally {
    cut.release()
  }
}

type Step = readonly [name: string, address: string, what: string]

/** Every record by its name and what becomes of it, and why each pod has one or not. */
export function dryRunText({ leader, names: { base, driver, names, caches, next } }: DryRun): string {
  const has = (list: readonly { readonly name: string; readonly address: string }[], name: string, address: string) =>
    list.some((record) => record.name === name && record.address === address)
  const steps = names.flatMap(({ name, published }): readonly Step[] => [
    ...published.map(({ address, own }): Step => {
      const what = has(next.remove, name, address) ? 'remove' : has(next.put, name, address) ? 'set the TTL' : 'keep'
      return [name, address, own ? what : 'not ours']
    }),
    ...next.put.flatMap((record): readonly Step[] =>
      record.name === name && !published.some(({ address }) => address === record.address)
        ? [[name, record.address, 'put']]
        : [],
    ),
  ])
  return [
    fields({
      ...{ base, driver, leader: leader ?? 'nobody' },
      next: `${next.put.length} to put, ${next.remove.length} to remove; nothing was written`,
    }),
    table(steps, [
      ['NAME', ([name]) => name],
      ['ADDRESS', ([, address]) => address],
      ['STEP', ([, , what]) => what],
    ]),
    table(caches, [
      ['CACHE', ({ pod }) => pod],
      ['ADDRESS', ({ address }) => address ?? '-'],
      ['ZONE', ({ zone }) => zone ?? '-'],
      ['NODE', ({ node }) => node ?? '-'],
      ['WHY NOT', ({ why }) => why ?? ''],
    ]),
  ].join('\n\n')
}
