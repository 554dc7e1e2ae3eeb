import type { ManifestVerdict } from '../../../lib/api/index.ts'
import type { Digest, Tag } from '../../../lib/core/index.ts'
import { isGrowing } from '../immutable-tags.ts'
import { referrersTag } from '../replication/rules.ts'

/** What is known of a manifest of a repository. */
export interface ManifestFacts {
  readonly digest: Digest
  /** Every other manifest of the repository that stands anywhere in its bytes, its subject too. */
  readonly names: ReadonlySet<Digest>
  readonly subject: Digest | undefined
  /** When a look found that nothing needs it; undefined: no look has, or somebody has asked for it since. */
  readonly condemnedAtMs: number | undefined
}

export interface TagTarget {
  readonly tag: Tag
  readonly target: Digest
}

export interface RepositoryFacts {
  readonly manifests: readonly ManifestFacts[]
  readonly tags: readonly TagTarget[]
}

export interface ManifestMoment {
  /** What was condemned then or earlier may go. */
  readonly beforeMs: number
  /** Manifests that are pinned at an origin, or that a task there uses; asked of those alone that may go. */
  readonly held: ReadonlySet<Digest>
}

export interface JudgedManifests {
  /** In the order of the manifests. */
  readonly verdicts: readonly ManifestVerdict[]
  /** What nothing needs, and no look has condemned yet. */
  readonly condemned: readonly Digest[]
  /** What was condemned and is needed again. */
  readonly pardoned: readonly Digest[]
  /** What goes, in steps: all that needs a manifest goes in a step before it. */
  readonly doomed: readonly (readonly DoomedManifest[])[]
}

export interface DoomedManifest {
  readonly digest: Digest
  readonly subject: Digest | undefined
  /** What goes too and needs it: if one of them stays after all, it stays as well. */
  readonly neededBy: readonly Digest[]
  /** Tags of signatures, or of the list of referrers, of a manifest that is gone by then. */
  readonly tags: readonly Tag[]
}

/**
 * Says of each manifest of a repository whether it is kept, and why. Pure.
 *
 * A tag needs its manifest; a manifest needs every one that it names, and what has it as its subject or signs it by the name
 * of a tag. What nothing needs that is tagged is `condemned` first, which every request for it takes back, and `expired`
 * when it has been so for long enough. Until then it needs others as what is tagged does, so an index and its images
 * go together, and signatures with what they sign.
 */
export function judgeManifests(facts: RepositoryFacts, { beforeMs, held }: ManifestMoment): JudgedManifests {
  const graph = graphOf(facts)
  const needed = reached(graph, graph.roots)
  const isRipe = ({ condemnedAtMs }: ManifestFacts) => condemnedAtMs !== undefined && condemnedAtMs <= beforeMs
  const free = facts.manifests.filter(({ digest }) => !needed.has(digest))
  const staying = new Set(free.filter((each) => !isRipe(each) || held.has(each.digest)).map(({ digest }) => digest))
  const kept = reached(graph, new Set([...needed, ...staying]))
  const gone = new Set(free.filter(({ digest }) => !kept.has(digest)).map(({ digest }) => digest))
  const { steps, tangled } = inSteps(graph, gone)
  const verdicts = facts.manifests.map((each): ManifestVerdict => {
    const { digest, condemnedAtMs } = each
    const told = { digest, ...(condemnedAtMs !== undefined && { condemnedAtMs }) }
    if (graph.tagged.has(digest)) return { ...told, kept: true, reason: 'tagged' }
    if (held.has(digest)) return { ...told, kept: true, reason: 'held' }
    if (staying.has(digest)) return { ...told, kept: true, reason: 'waiting' }
    if (gone.has(digest) && !tangled.has(digest)) return { ...told, kept: false, reason: 'expired' }
    const isReferrer = graph.signing.has(digest) || (each.subject !== undefined && kept.has(each.subject))
    return { ...told, kept: true, reason: isReferrer ? 'referrer' : 'named' }
  })
  const isCondemned = ({ condemnedAtMs }: ManifestFacts) => condemnedAtMs !== undefined
  return {
    verdicts,
    doomed: steps,
    condemned: free.filter((each) => !isCondemned(each)).map(({ digest }) => digest),
    pardoned: facts.manifests
      .filter((each) => isCondemned(each) && needed.has(each.digest))
      .map(({ digest }) => digest),
  }
}

interface Graph {
  readonly facts: ReadonlyMap<Digest, ManifestFacts>
  /** Whom each of them needs. */
  readonly needs: ReadonlyMap<Digest, ReadonlySet<Digest>>
  /** What a tag points to that counts by itself. */
  readonly roots: ReadonlySet<Digest>
  /** What any tag points to that stays. */
  readonly tagged: ReadonlySet<Digest>
  /** Tags of signatures that go with their manifest. */
  readonly signing: ReadonlyMap<Digest, readonly Tag[]>
}

const SUFFIX = /\.(?:sig|att|sbom)$/

function graphOf({ manifests, tags }: RepositoryFacts): Graph {
  const facts = new Map(manifests.map((each) => [each.digest, each]))
  const needs = new Map(manifests.map(({ digest, names }) => [digest, new Set(names)]))
  for (const { digest, subject } of manifests) if (subject !== undefined) needs.get(subject)?.add(digest)
  const signs = subjectsOf(manifests, tags)
  const [roots, tagged] = [new Set<Digest>(), new Set<Digest>()]
  const signing = new Map<Digest, Tag[]>()
  for (const { tag, target } of tags) {
    const subject = signs(tag)
    // Signatures may lie in another repository than what they sign. Where it was here, they were condemned with it.
    const isOrphan = isGrowing(tag) && subject === undefined && facts.get(target)?.condemnedAtMs !== undefined
    if (subject === undefined && !isOrphan) {
      roots.add(target)
      tagged.add(target)
      continue
    }
    if (subject !== undefined) needs.get(subject)?.add(target)
    signing.set(target, [...(signing.get(target) ?? []), tag])
  }
  return { facts, needs, roots, tagged, signing }
}

/** Says what a tag signs, or is the list of referrers of, when that is in the repository. */
function subjectsOf(manifests: readonly ManifestFacts[], tags: readonly TagTarget[]) {
  const isAny = tags.some(({ tag }) => isGrowing(tag))
  const signed = new Map<string, Digest>(isAny ? manifests.map(({ digest }) => [referrersTag(digest), digest]) : [])
  return (tag: Tag) => (isGrowing(tag) ? signed.get(tag.replace(SUFFIX, '')) : undefined)
}

/** All that is needed, directly or not, by some of the repository; these too. */
function reached({ needs }: Graph, from: ReadonlySet<Digest>): ReadonlySet<Digest> {
  const found = new Set<Digest>()
  const open = [...from]
  for (let digest = open.pop(); digest !== undefined; digest = open.pop()) {
    const next = needs.get(digest)
    if (next === undefined || found.has(digest)) continue
    found.add(digest)
    open.push(...next)
  }
  return found
}

/**
 * The order in which they go. A manifest stands in the bytes of what refers to it, and does not wait for that: of the two
 * the subject goes first. What needs itself in a circle stays, in `tangled`.
 */
function inSteps({ facts, needs, signing }: Graph, gone: ReadonlySet<Digest>) {
  const neededBy = neededAmong({ facts, needs }, gone)
  const left = new Map([...neededBy].map(([digest, by]) => [digest, by.size]))
  const steps: (readonly DoomedManifest[])[] = []
  /** Counts one that needs it as gone; whether it was the last. */
  const isFree = (other: Digest, without: Digest) => {
    if (neededBy.get(other)?.has(without) !== true) return false
    const count = (left.get(other) ?? 0) - 1
    left.set(other, count)
    return count === 0
  }
  for (let step = [...left].filter(([, count]) => count === 0).map(([digest]) => digest); step.length > 0; ) {
    steps.push(
      step.map((digest) => ({
        ...{ digest, subject: facts.get(digest)?.subject },
        ...{ neededBy: [...(neededBy.get(digest) ?? [])], tags: signing.get(digest) ?? [] },
      })),
    )
    for (const digest of step) left.delete(digest)
    step = step.flatMap((digest) => [...(needs.get(digest) ?? [])].filter((other) => isFree(other, digest)))
  }
  return { steps, tangled: new Set(left.keys()) }
}

/** Of each that goes, which others that go need it. */
function neededAmong({ facts, needs }: Pick<Graph, 'facts' | 'needs'>, gone: ReadonlySet<Digest>) {
  const neededBy = new Map([...gone].map((digest) => [digest, new Set<Digest>()]))
  for (const digest of gone) {
    const subject = facts.get(digest)?.subject
    const others = [...(needs.get(digest) ?? [])].filter((other) => other !== subject && other !== digest)
    for (const other of others) neededBy.get(other)?.add(digest)
  }
  return neededBy
}
