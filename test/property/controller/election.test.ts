import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { type Clock, type FakeClock, fakeClock, type Random, seededRandom } from '../../../lib/base/index.ts'
import { silentLogger, silentMetrics } from '../../../lib/telemetry/index.ts'
import {
  type Election,
  type ElectionTimings,
  election,
  electionTimings,
  leaseSchema,
  type Term,
} from '../../../services/controller/kubernetes/index.ts'
import { type LeaseServer, leaseServer } from '../../kit/lease-server.ts'

/** How wrong clocks are at most: a tenth of a second in each second. */
const SKEW = 0.1
const STALL_MS = 25_000

/** The clock of a machine that is a bit fast or slow, and that stands still at times: its timers are late then. */
function ownClock(real: FakeClock, rate: number) {
  let frozenUntilMs = 0
  const clock: Clock = {
    now: () => real.now() * rate,
    monotonicMs: () => real.monotonicMs() * rate,
    setTimer(delayMs, fn) {
      let timer = real.setTimer(Math.ceil(delayMs / rate), function wake() {
        const lateMs = Math.ceil(frozenUntilMs - real.monotonicMs())
        if (lateMs > 0) timer = real.setTimer(lateMs, wake)
        else fn()
      })
      return { cancel: () => timer.cancel() }
    },
    sleep: (delayMs, { signal } = {}) =>
      new Promise((resolve, reject) => {
        const timer = clock.setTimer(delayMs, () => resolve())
        signal?.addEventListener('abort', () => {
          timer.cancel()
          reject(new Error('aborted'))
        })
      }),
  }
  const freeze = (ms: number) => {
    frozenUntilMs = real.monotonicMs() + ms
  }
  return { clock, freeze, isFrozen: () => real.monotonicMs() < frozenUntilMs }
}

interface Candidate {
  readonly name: string
  readonly standing: Election
  freeze(ms: number): void
  /** It reaches the server no more for so long. */
  cut(ms: number): void
}

/** Writes of leaders, each checked against the terms of all others. */
class Watch {
  readonly terms = new Map<string, Term>()
  readonly faults: string[] = []
  writes = 0

  wrote(name: string): void {
    this.writes += 1
    const others = [...this.terms].filter(([other, term]) => other !== name && mayWrite(term)).map(([other]) => other)
    if (others.length > 0) this.faults.push(`${name} wrote while ${others.join(', ')} could write, too`)
  }
}

function mayWrite(term: Term): boolean {
  try {
    term.assert()
    return true
  } catch {
    return false
  }
}

interface World {
  readonly real: FakeClock
  readonly random: Random
  readonly server: LeaseServer
  readonly watch: Watch
  readonly timings: ElectionTimings
}

/** As a controller has them unless somebody says otherwise, the shortest that a config may have, and those of Kubernetes. */
const allTimings = [
  {},
  { duration: '5s', renew: '4s', retry: '2s' },
  { duration: '15s', renew: '10s', retry: '2s' },
].map((lease) => electionTimings(leaseSchema.parse(lease)))

function candidate({ real, random, server, watch, timings }: World, name: string): Candidate {
  const { clock, freeze, isFrozen } = ownClock(real, 1 + SKEW * (2 * random.next() - 1))
  const lead = async (term: Term) => {
    watch.terms.set(name, term)
    while (!term.signal.aborted) {
      if (!isFrozen() && mayWrite(term)) watch.wrote(name)
      await clock.sleep(50 + 500 * random.next()).catch(() => undefined)
    }
  }
  let cutUntilMs = 0
  const cut = (ms: number) => {
    cutUntilMs = real.monotonicMs() + ms
  }
  const kube = server.kubeFor(real, random, () => real.monotonicMs() < cutUntilMs)
  const components = { kube, clock, random, logger: silentLogger(), metrics: silentMetrics() }
  return { name, freeze, cut, standing: election(components, { lease: 'one', identity: name, lead, timings }) }
}

/** Time passes until it has stopped, but not for ever. */
async function stopped(real: FakeClock, { name, standing }: Candidate): Promise<void> {
  const state = { isOver: false }
  const stopping = standing.stop().finally(() => {
    state.isOver = true
  })
  for (let seconds = 0; !state.isOver; seconds += 1) {
    if (seconds > 120) throw new Error(`${name} does not stop`)
    await real.advance(1_000)
  }
  await stopping
}

/** A minute and a half of trouble, and then as long without any. */
async function trouble(seed: number, timings: ElectionTimings) {
  const real = fakeClock()
  const random = seededRandom(seed)
  const server = leaseServer()
  const watch = new Watch()
  const names = random.next() < 0.5 ? ['a', 'b'] : ['a', 'b', 'c']
  const candidates = names.map((name) => candidate({ real, random, server, watch, timings }, name))
  for (const { standing } of candidates) await standing.start()
  for (let step = 0; step < 90; step += 1) {
    await real.advance(1_000)
    const one = candidates[Math.floor(random.next() * 12)]
    if (one === undefined) continue
    const what = random.next()
    if (what < 0.4) one.freeze(random.next() * STALL_MS)
    else if (what < 0.8) one.cut(random.next() * STALL_MS)
    else {
      await stopped(real, one)
      await one.standing.start()
    }
  }
  server.heal()
  await real.advance(90_000)
  const leaders = candidates.filter(({ standing }) => standing.state.isLeading).map(({ name }) => name)
  const holder = candidates.find(({ standing }) => standing.state.identity === standing.state.holder)?.name
  for (const one of candidates) await stopped(real, one)
  return { faults: watch.faults, writes: watch.writes, leaders, holder, spec: server.lease?.['spec'] }
}

test('never do two candidates write in one time, however late they, their clocks and the server are; one leads in the end', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1 }), fc.constantFrom(...allTimings), async (seed, timings) => {
      const { faults, writes, leaders, holder, spec } = await trouble(seed, timings)
      expect(faults).toEqual([])
      expect(writes).toBeGreaterThan(0)
      expect(leaders).toHaveLength(1)
      expect(holder).toBe(leaders[0])
      // The last one has given it back.
      expect(spec).toMatchObject({ holderIdentity: null })
    }),
    { numRuns: 10 },
  )
})
