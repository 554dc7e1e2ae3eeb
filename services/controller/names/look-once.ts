import type { NamesStatus } from '../../../lib/api/index.ts'
import { type AbortOptions, deadline, lifecycle, slots, throwIfAborted } from '../../../lib/base/index.ts'
import { type HttpClient, httpClient } from '../../../lib/http/index.ts'
import { type Kube, listedOnce } from '../kubernetes/index.ts'
import type { RoleComponents } from '../role.ts'
import { dataPort } from './data-port.ts'
import { NO_STATE } from './keeper-state.ts'
import { loadSums, loadsAt } from './loads.ts'
import { openZone } from './open-zone.ts'
import { type AskPort, probeTargets } from './prober.ts'
import type { NamesRoleConfig } from './role.ts'
import type { CacheLoad } from './rules/cache-pod.ts'
import { judge, newMemory } from './rules/judge.ts'
import { zoneName } from './rules/names-of.ts'
import { type FoundRecord, planOf } from './rules/plan.ts'
import { statusOf } from './status.ts'
import { podsOnNodes, ruleOf, whichNodes, whichPods } from './which-pods.ts'
import type { Zone } from './zone.ts'

/** Nothing of it writes: the API and the zone are only read. */
export type LookComponents = Pick<RoleComponents, 'clock' | 'random' | 'logger' | 'tls'> & { readonly kube: Kube }

const MS_PER_SECOND = 1000
/** One answer of a data port, as the prober waits for it. */
const ANSWER_MS = 1_000
const AT_ONCE = 64

/**
 * What the role would do now, if it led and had known all caches for a while: one look at the pods, the trackers, the data ports
 * and the zone. Nothing is written. @throws what reading the API or the zone throws; a tracker that is silent is left out
 */
export async function lookOnce(
  components: LookComponents,
  { names: config, secrets }: NamesRoleConfig,
  options: AbortOptions,
): Promise<NamesStatus> {
  const { kube, clock, logger, tls } = components
  const open = httpClient({ clock }, { connectionsPerOrigin: 2 })
  const trackers = httpClient({ clock }, { token: secrets.shown?.(), tls })
  const { zone, parts } = openZone({ ...components, http: open }, config)
  const running = lifecycle([open, trackers, ...parts])
  await running.start()
  try {
    const [pods, nodes, loads] = await Promise.all([
      listedOnce(kube.reads, whichPods(kube, config), options),
      listedOnce(kube.reads, whichNodes(config), options),
      loadsNow({ http: trackers, logger }, config.trackers, options),
    ])
    const all = podsOnNodes(pods.values(), (name) => nodes.get(name))
    const rule = { ...ruleOf(config), settleMs: 0 }
    const found = await readAll(zone, { rule, zones: all.map((pod) => pod.zone) }, options)
    const { named, others } = probeTargets(found, all)
    const answered = await whoAnswers(components, { ask: dataPort(open, config), of: [...named, ...others] }, options)
    const answers = (address: string) => answered.get(address)
    const input = { pods: all, found, answers, loadOf: (address: string) => loads.get(address) }
    const judgement = judge({ ...input, nowMs: clock.monotonicMs() }, rule, newMemory())
    const { wanted, standing } = judgement
    const plan = planOf({ wanted, standing, found, power: 'leader', ttl: config.ttl / MS_PER_SECOND })
    return statusOf({ ...NO_STATE, judgement, found, plan }, config)
  } finally {
    await running.stop()
  }
}

function readAll(
  zone: Pick<Zone, 'read'>,
  {
    rule: { base, perZone },
    zones,
  }: {
    readonly rule: { readonly base: string; readonly perZone: boolean }
    readonly zones: readonly (string | undefined)[]
  },
  options: AbortOptions,
): Promise<readonly FoundRecord[]> {
  const names = perZone ? zones.flatMap((its) => (its === undefined ? [] : [zoneName(base, its)])) : []
  return zone.read([...new Set([base, ...names])], options)
}

async function loadsNow(
  { http, logger }: { readonly http: HttpClient } & Pick<LookComponents, 'logger'>,
  urls: readonly string[],
  options: AbortOptions,
): Promise<ReadonlyMap<string, CacheLoad>> {
  const told = await Promise.all(
    urls.map((url) =>
      loadsAt(http, url, options).catch((err: unknown) => {
        logger.warn('a tracker does not say how much the caches send', { url, err })
        return new Map<string, CacheLoad>()
      }),
    ),
  )
  return loadSums(told)
}

async function whoAnswers(
  { clock }: Pick<LookComponents, 'clock'>,
  { ask, of }: { readonly ask: AskPort; readonly of: readonly string[] },
  { signal }: AbortOptions,
): Promise<ReadonlyMap<string, boolean>> {
  const places = slots(AT_ONCE)
  const once = async (address: string): Promise<readonly [string, boolean]> => {
    const cut = deadline(clock, ANSWER_MS, signal)
    try {
      await ask(address, { signal: cut.signal })
      return [address, true]
    } catch {
      return [address, false]
    } finally {
      cut.release()
    }
  }
  const told = await Promise.all([...new Set(of)].map((address) => places.run(() => once(address), { signal })))
  // Who was not waited for is not dead.
  throwIfAborted(signal)
  return new Map(told)
}
