import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import type { BuildIndex } from '../../../lib/api/index.ts'
import { appError, codeOf, type FakeClock, fakeClock, hasCode, seededRandom } from '../../../lib/base/index.ts'
import { type Descriptor, type Digest, parseRepository, type Repository } from '../../../lib/core/index.ts'
import { memoryStore } from '../../../lib/store/index.ts'
import { silentLogger } from '../../../lib/telemetry/index.ts'
import { keptLinks, type Links, links } from '../../../services/agent/links/index.ts'
import { linkMemory } from '../../../services/build-index/link-memory.ts'
import { type Content, contentOf, putBlob } from '../../kit/store-fixture.ts'

/** Repositories x digests x links x deletes x outages x restarts, against what was so at each moment. */

const LINK_TTL_MS = 30_000
const OUTAGE_TTL_MS = 600_000
const MEMORY_MS = 5_000
/** So long what was proven earlier counts after a look that nobody answered. */
const OUT_MS = 1_000

const repositories = ['team/a', 'team/b'].map(parseRepository)
const blobs = ['x', 'y'].map((text) => contentOf(Buffer.from(text)))
/** It names both blobs. */
const manifest = contentOf(Buffer.from('a manifest'))
const descriptor: Descriptor = { digest: manifest.digest, mediaType: 'a/b', size: manifest.bytes.length }

/** The link of a blob, or of the manifest, in one of the repositories. */
const some = { repository: fc.nat(1), blob: fc.nat(1) }
const event = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constantFrom('ask' as const, 'read' as const), ...some }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constantFrom('link' as const, 'unlink' as const), ...some }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('unlinkElsewhere' as const), ...some }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constantFrom('linkManifest' as const, 'unlinkManifest' as const), ...some }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constantFrom('out' as const, 'back' as const, 'restart' as const), ...some }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('wait' as const), ...some, ms: fc.integer({ min: 1, max: 50_000 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('wait' as const), ...some, ms: fc.integer({ min: 1, max: 700_000 }) }),
  },
)

type Event = typeof event extends fc.Arbitrary<infer T> ? T : never

/** When something was so last: now, then, or never. */
class Times {
  readonly #lastMs = new Map<string, number>()

  readonly #clock: Pick<FakeClock, 'monotonicMs'>

  constructor(clock: Pick<FakeClock, 'monotonicMs'>) {
    this.#clock = clock
  }

  /** It was so at this moment, unless a later one is known. */
  note(key: string, atMs = this.#clock.monotonicMs()): void {
    this.#lastMs.set(key, Math.max(atMs, this.of(key)))
  }

  never(key: string): void {
    this.#lastMs.delete(key)
  }

  of(key: string): number {
    return this.#lastMs.get(key) ?? Number.NEGATIVE_INFINITY
  }

  since(key: string): number {
    return this.#clock.monotonicMs() - this.of(key)
  }
}

/** One agent with the bytes of everything in its store, the build-index that it asks, and what must be true of both. */
class Scene {
  readonly clock = fakeClock()
  readonly #logger = silentLogger()
  readonly #store = memoryStore(
    { clock: this.clock, random: seededRandom(1), logger: this.#logger },
    { capacityBytes: 1e6 },
  )
  readonly #links = new Set<string>()
  /** When each link was there last, while it is not there. */
  readonly #was = new Times(this.clock)
  /** When the agent was told of each link last: at the earliest, since it may have asked, and at the latest. */
  readonly #surelyTold = new Times(this.clock)
  readonly #told = new Times(this.clock)
  /** When a manifest was proven that named each blob. */
  readonly #named = new Times(this.clock)
  readonly #out = new Times(this.clock)
  readonly #index: BuildIndex
  readonly #blobsFollow: boolean
  #lives = true
  #agent: ReturnType<Scene['begin']>

  constructor(blobsFollow: boolean) {
    this.#blobsFollow = blobsFollow
    this.#index = this.#newIndex()
    this.#agent = this.begin()
  }

  async start(): Promise<void> {
    await this.#store.start()
    for (const content of [...blobs, manifest]) await putBlob(this.#store, content)
  }

  begin() {
    const kept = keptLinks({ clock: this.clock, logger: this.#logger, store: this.#store }, { ttlMs: OUTAGE_TTL_MS })
    const bounds = { linkTtlMs: LINK_TTL_MS, outageTtlMs: OUTAGE_TTL_MS }
    return { kept, links: links({ clock: this.clock, index: this.#index, kept }, bounds) }
  }

  async stop(): Promise<void> {
    await this.#agent.kept.stop()
    await this.#store.stop()
  }

  async happens(one: Event): Promise<void> {
    const repository = repositories[one.repository] as Repository
    const { digest } = blobs[one.blob] as Content
    const key = keyOf(repository, digest)
    const manifestKey = keyOf(repository, manifest.digest)
    const events: Readonly<Record<Event['kind'], () => unknown>> = {
      ask: () => this.#ask(repository, digest),
      read: () => this.#read(repository),
      link: () => this.#links.add(key),
      linkManifest: () => this.#links.add(manifestKey),
      unlink: () => this.#lives && this.#index.deleteBlob(repository, digest),
      unlinkManifest: () => this.#lives && this.#index.deleteManifest(repository, manifest.digest),
      unlinkElsewhere: () => this.#unlink(key),
      out: () => this.#live(false),
      back: () => this.#live(true),
      restart: async () => {
        await this.#agent.kept.stop()
        this.#agent = this.begin()
      },
      wait: () => this.clock.advance('ms' in one ? one.ms : 0),
    }
    await events[one.kind]()
  }

  /** The build-index of a cluster: records that any of its members may change, and the memory of this one. */
  #newIndex(): BuildIndex {
    const answer = async <V>(key: string, found: V) => (this.#links.has(key) ? found : undefined)
    const records: Partial<BuildIndex> = {
      getBlob: (repository, digest) => answer(keyOf(repository, digest), { digest, size: 1 }),
      getManifest: (repository, digest) =>
        answer(keyOf(repository, digest), { ...descriptor, ...(this.#blobsFollow && { blobsFollow: true }) }),
      deleteBlob: async (repository, digest) => this.#unlink(keyOf(repository, digest)),
      deleteManifest: async (repository, digest) => this.#unlink(keyOf(repository, digest)),
    }
    const index = linkMemory(records as BuildIndex, this, { ttlMs: MEMORY_MS })
    const assertLives = () => {
      if (!this.#lives) throw appError('NO_HEALTHY_MEMBER')
    }
    return {
      ...index,
      async getBlob(...given) {
        assertLives()
        return index.getBlob(...given)
      },
      async getManifest(...given) {
        assertLives()
        return index.getManifest(...given)
      },
    }
  }

  #live(lives: boolean): void {
    this.#lives = lives
  }

  #unlink(key: string): void {
    if (this.#links.delete(key)) this.#was.note(key)
  }

  /** The index answers the agent, which was not told a moment ago that it does not. */
  #answers(repository: Repository): boolean {
    return this.#lives && this.#out.since(JSON.stringify(repository)) >= OUT_MS
  }

  #wasWithin(key: string, ms: number): boolean {
    return this.#links.has(key) || this.#was.since(key) <= ms
  }

  async #ask(repository: Repository, digest: Digest): Promise<void> {
    const key = keyOf(repository, digest)
    const given = await this.#given((all) => all.requireBlob({ repository, digest }).then(() => true))
    const manifestKey = keyOf(repository, manifest.digest)
    const follows = this.#blobsFollow && this.#named.since(key) <= LINK_TTL_MS + MEMORY_MS
    if (this.#answers(repository)) {
      // Its own link is reason enough, whatever a manifest says.
      if (given && !this.#wasWithin(key, LINK_TTL_MS + MEMORY_MS)) {
        expect([follows, this.#wasWithin(manifestKey, LINK_TTL_MS + MEMORY_MS)]).toEqual([true, true])
      }
      if (given === undefined) expect(this.#links.has(key)).toBe(false)
    } else this.#judgeOutage(key, given !== undefined, Math.min(this.#told.since(key), this.#named.since(key)))
    this.#learn(repository, key, given !== undefined)
    if (given === undefined && this.#lives) this.#named.never(key)
  }

  async #read(repository: Repository): Promise<void> {
    const key = keyOf(repository, manifest.digest)
    const names = blobs.map((blob) => blob.digest)
    const given = await this.#given(async (all) => {
      const found = await all.manifest(repository, manifest.digest)
      if (found !== undefined) all.names(repository, found, names)
      return found
    })
    if (!this.#answers(repository)) this.#judgeOutage(key, given !== undefined, this.#told.since(key))
    else if (given !== undefined) expect(this.#wasWithin(key, MEMORY_MS)).toBe(true)
    else expect(this.#links.has(key)).toBe(false)
    this.#learn(repository, key, given !== undefined)
    if (given !== undefined) for (const digest of names) this.#named.note(keyOf(repository, digest), this.#told.of(key))
  }

  /** While no index answers: nothing that was proven too long ago, and all that was proven itself and not so long ago. */
  #judgeOutage(key: string, given: boolean, youngestMs: number): void {
    if (given && !this.#lives) expect(youngestMs).toBeLessThan(OUTAGE_TTL_MS)
    // What lies on disk may be older by the share of the time in which it is not written again.
    const surelyKeptMs = OUTAGE_TTL_MS * (23 / 24) - LINK_TTL_MS
    if (!given && !this.#lives) expect(this.#surelyTold.since(key)).toBeGreaterThan(surelyKeptMs)
    if (!given && this.#lives) expect(this.#links.has(key)).toBe(false)
  }

  #learn(repository: Repository, key: string, given: boolean): void {
    if (!this.#lives) this.#out.note(JSON.stringify(repository))
    else if (!given) for (const times of [this.#told, this.#surelyTold]) times.never(key)
    else {
      this.#told.note(key)
      // A blob that a manifest speaks for is not asked for, and a restart forgets it until the manifest is read.
      const isAsked = !this.#blobsFollow || key === keyOf(repository, manifest.digest)
      if (isAsked && this.#answers(repository)) this.#surelyTold.note(key)
    }
  }

  /** Undefined when the agent gives nothing, and why is right. */
  async #given<T>(work: (all: Links) => Promise<T>): Promise<T | undefined> {
    try {
      return await work(this.#agent.links)
    } catch (err) {
      if (!hasCode(err, 'BLOB_UNKNOWN')) expect([codeOf(err), this.#lives]).toEqual(['NO_HEALTHY_MEMBER', false])
      return undefined
    }
  }
}

const keyOf = (repository: Repository, digest: Digest) => `${JSON.stringify(repository)} ${digest}`

test.each([false, true])(
  'an agent gives what its repository links, and nothing else beyond the bounds (a registry behind: %s)',
  async (blobsFollow) => {
    const property = fc.asyncProperty(
      fc.array(event, { minLength: 40, maxLength: 120, size: 'max' }),
      async (events) => {
        const scene = new Scene(blobsFollow)
        await scene.start()
        for (const one of events) await scene.happens(one)
        await scene.stop()
      },
    )
    await fc.assert(property, { numRuns: 400 })
  },
)
