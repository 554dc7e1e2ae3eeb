import type { JobRowAnswer } from '../../../lib/api/index.ts'
import { isOpen, type Job, type Part } from '../jobs/index.ts'

/** Rows of one answer: people read them in a log. */
const MAX_TASKS = 10_000

/** The words of those tools; whatever else they are told counts as a failure. */
export type DragonflyState = 'PENDING' | 'SUCCESS' | 'FAILURE'

export const dragonflyState = (state: string): DragonflyState => {
  if (isOpen(state)) return 'PENDING'
  return state === 'done' ? 'SUCCESS' : 'FAILURE'
}

export const timeText = (ms: number): string => new Date(ms).toISOString()

/** What the adapter keeps of how a job was given. */
export interface ShownJob {
  readonly bio: string
  readonly type: string
  readonly args: Readonly<Record<string, unknown>>
}

export const shownOf = ({ shown, spec }: Job): ShownJob => {
  const kept = shown as Partial<ShownJob> | undefined
  return { bio: kept?.bio ?? spec.note ?? '', type: kept?.type ?? spec.kind, args: kept?.args ?? {} }
}

interface Task {
  readonly url: string
  readonly hostname: string
  readonly ip: string
}

/** What a job consists of, and the integers of its clusters. */
export interface JobFacts {
  readonly job: Job
  readonly parts: readonly Part[]
  readonly rows: readonly Omit<JobRowAnswer, 'cluster'>[]
  readonly clusterNumber: (id: string) => number
  readonly clusterName: (id: string) => string
}

/** The URL of a blob beside that of its manifest. */
function blobUrl(manifest: string, blob: string): string {
  return /\/manifests\/[^/]+$/.test(manifest) ? manifest.replace(/\/manifests\/[^/]+$/, `/blobs/${blob}`) : blob
}

/** The part that found out what the image is which this part brings. */
function imageOf({ parts }: JobFacts, { cluster, spec: { contentOf, target } }: Part): Part | undefined {
  if (contentOf !== undefined) return parts.find(({ n }) => n === contentOf)
  // Jobs of an older version do not say which part that is.
  return parts.find(
    ({ cluster: at, content }) =>
      at === cluster && content !== undefined && `${content.repository}@${content.digest}` === target,
  )
}

/** What a row is about; a host that brings an image brings all of it. */
function blobsOf({ spec }: Part, image: Part | undefined, { blob }: JobFacts['rows'][number]): readonly string[] {
  if (blob !== undefined) return [blob]
  const whole = spec.order === 'preload' ? image?.content?.items.map(({ digest }) => digest) : undefined
  return whole ?? [spec.target ?? spec.url ?? '']
}

/** Each blob at each host, as far as it is known what became of it. */
function tasksOf(facts: JobFacts, part: Part) {
  const { rows, job } = facts
  const success: Task[] = []
  const failure: (Task & { readonly description: string })[] = []
  const image = imageOf(facts, part)
  const url = (image === undefined ? job.spec.targets?.[0] : image.spec.url) ?? ''
  for (const row of rows.filter((each) => each.part === part.n)) {
    if (isOpen(row.state)) continue
    for (const blob of blobsOf(part, image, row)) {
      if (success.length + failure.length >= MAX_TASKS) return { success, failure }
      const task = { url: blobUrl(url, blob), hostname: row.name ?? row.host, ip: row.address ?? '' }
      if (row.state === 'done') success.push(task)
      else failure.push({ ...task, description: row.code ?? row.state })
    }
  }
  return { success, failure }
}

function jobStates(facts: JobFacts) {
  const { job, parts, clusterNumber } = facts
  return parts
    .filter(({ step, state }) => (step !== 'content' && step !== 'resolve') || state === 'failed' || isOpen(state))
    .map((part) => {
      const { success, failure } = tasksOf(facts, part)
      const error = [part.code, part.message].filter((each) => each !== undefined).join(': ')
      return {
        ...{ task_uuid: `task_${job.id}_${part.n}`, task_name: shownOf(job).type, state: dragonflyState(part.state) },
        ...{ error: part.state === 'failed' || part.state === 'cancelled' ? error || part.state : '' },
        ...{ created_at: timeText(job.createdAtMs), ttl: 0 },
        results:
          part.cluster === ''
            ? []
            : [{ scheduler_cluster_id: clusterNumber(part.cluster), success_tasks: success, failure_tasks: failure }],
      }
    })
}

/** A job in Dragonfly's shape. Its state is that of this moment. */
export function dragonflyAnswer(facts: JobFacts): Readonly<Record<string, unknown>> {
  const { job, parts, clusterNumber, clusterName } = facts
  const state = dragonflyState(job.state)
  const times = {
    created_at: timeText(job.createdAtMs),
    updated_at: timeText(job.endedAtMs ?? job.startedAtMs ?? job.createdAtMs),
  }
  const clusters = [
    ...new Set(parts.flatMap(({ cluster, spec }) => (cluster === '' ? (spec.clusters ?? []) : [cluster]))),
  ]
  const { bio, type, args } = shownOf(job)
  return {
    ...{ id: job.number, ...times, is_del: 0, task_id: `group_${job.id}`, bio, type, state, args },
    result: { group_uuid: `group_${job.id}`, state, ...times, job_states: jobStates(facts) },
    ...{ user_id: 1, user: {}, seed_peer_clusters: [] },
    scheduler_clusters: clusters.map((id) => ({ id: clusterNumber(id), name: clusterName(id) })),
  }
}

/** Which hosts hold which blobs, as `get_image_distribution` tells it. */
export function distributionAnswer({ parts, rows, clusterNumber, job }: JobFacts): Readonly<Record<string, unknown>> {
  const url = job.spec.targets?.[0] ?? ''
  const layers = [...new Set(parts.flatMap(({ content }) => content?.items.map(({ digest }) => digest) ?? []))]
  const peers = new Map<
    string,
    { ip: string; hostname: string; cached_layers: { url: string }[]; scheduler_cluster_id: number }
  >()
  // In the order of the layers.
  const whole = rows.filter(({ holds }) => holds === 'whole').toSorted((one, other) => one.part - other.part)
  for (const row of whole) {
    const part = parts.find(({ n }) => n === row.part)
    if (part === undefined) continue
    const key = `${part.cluster} ${row.host}`
    const peer = peers.get(key) ?? {
      ...{ ip: row.address ?? '', hostname: row.name ?? row.host, cached_layers: [] },
      scheduler_cluster_id: clusterNumber(part.cluster),
    }
    peer.cached_layers.push({ url: blobUrl(url, part.spec.target ?? '') })
    peers.set(key, peer)
  }
  return { image: { layers: layers.map((digest) => ({ url: blobUrl(url, digest) })) }, peers: [...peers.values()] }
}
