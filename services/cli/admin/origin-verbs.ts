import type { originAdmin } from '../../../lib/api/index.ts'
import { describeVerb, ringVerbs, settingsVerbs } from './shared-verbs.ts'
import { ageText, fields, sizeText, spanText, table } from './sheet.ts'
import type { VerbsOf } from './verb.ts'

const DIGEST = `sha256:${'9f'.repeat(32)}`
const TASK = 'a1b2c3d4'
const UPLOAD = '9f'.repeat(16)

/** A line that tells how to get the next page; empty on the last page. */
const more = (next: string | undefined) => (next === undefined ? '' : `\nmore: --last ${next}`)

interface Walk {
  readonly startedAtMs: number
  readonly endedAtMs?: number | undefined
  readonly blobs: number
  readonly done: number
  readonly copies: number
  readonly bytes: number
  readonly failures: number
  readonly unsafe: number
}

const walkFields = (walk: Walk | undefined, nowMs: number): Readonly<Record<string, string>> =>
  walk === undefined
    ? { walk: 'none yet' }
    : {
        walk: walk.endedAtMs === undefined ? 'under way' : `ended ${ageText(walk.endedAtMs, nowMs)}`,
        started: ageText(walk.startedAtMs, nowMs),
        blobs: `${walk.done} of ${walk.blobs}`,
        'handed over': `${walk.copies} copies, ${sizeText(walk.bytes)}`,
        failures: String(walk.failures),
        'only here': String(walk.unsafe),
      }

interface Scrubbed {
  readonly verifiedBlobs: number
  readonly verifiedBytes: number
  readonly due: number
  readonly current?: string | undefined
  readonly findings: readonly {
    readonly digest: string
    readonly size: number
    readonly outcome: string
    readonly atMs: number
  }[]
}

const scrubbed = (status: Scrubbed, nowMs: number) =>
  [
    fields({
      verified: `${status.verifiedBlobs} blobs, ${sizeText(status.verifiedBytes)}`,
      due: `${status.due} blobs`,
      current: status.current ?? '-',
    }),
    table(status.findings, [
      ['ROTTEN BLOB', ({ digest }) => digest],
      ['SIZE', ({ size }) => sizeText(size)],
      ['OUTCOME', ({ outcome }) => outcome],
      ['FOUND', ({ atMs }) => ageText(atMs, nowMs)],
    ]),
  ].join('\n\n')

interface Task {
  readonly id: string
  readonly kind: string
  readonly key: string
  readonly state: string
  readonly attempts: number
  readonly dueAtMs: number
  readonly createdAtMs: number
  readonly lastError?: string | undefined
}

const taskFields = (task: Task, nowMs: number) =>
  fields({
    id: task.id,
    kind: task.kind,
    key: task.key,
    state: task.state,
    attempts: String(task.attempts),
    due: ageText(task.dueAtMs, nowMs),
    created: ageText(task.createdAtMs, nowMs),
    'last error': task.lastError ?? '-',
  })

/** `shoal admin origin VERB`: one entry for each call of the API. */
export const originVerbs: VerbsOf<typeof originAdmin> = {
  ...ringVerbs,
  ...describeVerb,
  ...settingsVerbs,
  blobs: {
    example: 'blobs --n 20',
    show: ({ usedBytes, blobs, next }, nowMs) =>
      `${table(blobs, [
        ['DIGEST', ({ digest }) => digest],
        ['SIZE', ({ size }) => sizeText(size)],
        ['USED', ({ usedAtMs }) => ageText(usedAtMs, nowMs)],
        ['VERIFIED', ({ verifiedAtMs }) => ageText(verifiedAtMs, nowMs)],
        ['KEPT BY', ({ holds }) => holds.join(', ') || '-'],
      ])}\n\n${sizeText(usedBytes)} used${more(next)}`,
  },
  blob: {
    example: `blob ${DIGEST}`,
    show: (blob, nowMs) =>
      fields({
        digest: blob.digest,
        size: sizeText(blob.size),
        used: ageText(blob.usedAtMs, nowMs),
        verified: ageText(blob.verifiedAtMs, nowMs),
        'kept by': blob.holds.join(', ') || '-',
        'keeps it': blob.keeper ? 'yes' : 'no',
        'in the backend': blob.inBackend ? 'yes' : 'no',
        ...Object.fromEntries(Object.entries(blob.others).map(([member, said]) => [`at ${member}`, said])),
      }),
  },
  evict: {
    example: `evict ${DIGEST}`,
    note: '--force true evicts the blob even when it is pinned, leased or the last copy.',
  },
  repair: { example: `repair ${DIGEST}`, show: ({ verdict }) => verdict },
  pin: { example: `pin ${DIGEST}` },
  unpin: { example: `unpin ${DIGEST}` },
  bring: {
    example: `bring ${DIGEST} --repository team/app`,
    show: ({ whole, size, heldBytes }) =>
      whole ? `here: ${sizeText(heldBytes)}` : `${sizeText(heldBytes)} of ${size === undefined ? '?' : sizeText(size)}`,
  },
  bringUrl: {
    example: 'bring-url --address https://example.com/model.bin',
    options: { address: 'the URL of what is to be brought' },
    body: ({ address }) => ({ url: address ?? '' }),
    show: ({ digest, size }) => fields({ digest: digest ?? 'it comes', size: sizeText(size) }),
  },
  ingests: {
    example: 'ingests --n 20',
    show: ({ ingests, next }, nowMs) =>
      table(ingests, [
        ['DIGEST', ({ digest }) => digest],
        ['SIZE', ({ size }) => (size === undefined ? '-' : sizeText(size))],
        ['HELD', ({ heldBytes }) => sizeText(heldBytes)],
        ['FROM', ({ from, member }) => member ?? from ?? '-'],
        ['STATE', ({ state }) => state],
        ['READS', ({ reads }) => String(reads)],
        ['WANTED BY', ({ holds, whole }) => `${holds}${whole ? ', all of it' : ''}`],
        ['SINCE', ({ startedAtMs }) => ageText(startedAtMs, nowMs)],
      ]) + more(next),
  },
  scrub: { example: 'scrub', show: scrubbed },
  scrubNow: { example: 'scrub-now', show: scrubbed },
  handOver: { example: 'hand-over', show: ({ walk }, nowMs) => fields(walkFields(walk, nowMs)) },
  handOverNow: { example: 'hand-over-now', show: ({ walk }, nowMs) => fields(walkFields(walk, nowMs)) },
  drain: { example: 'drain', show: ({ state, walk }, nowMs) => fields({ state, ...walkFields(walk, nowMs) }) },
  leave: { example: 'leave', show: ({ state, walk }, nowMs) => fields({ state, ...walkFields(walk, nowMs) }) },
  stay: { example: 'stay', show: ({ state, walk }, nowMs) => fields({ state, ...walkFields(walk, nowMs) }) },
  uploads: {
    example: 'uploads --n 20',
    show: ({ uploads, next }, nowMs) =>
      table(uploads, [
        ['ID', ({ id }) => id],
        ['SIZE', ({ size }) => sizeText(size)],
        ['USED', ({ usedAtMs }) => ageText(usedAtMs, nowMs)],
        ['STATE', ({ rest }) => rest],
        ['CLIENT', ({ client }) => client ?? '-'],
      ]) + more(next),
  },
  cancelUpload: {
    example: `cancel-upload ${UPLOAD}`,
    note: 'Whoever uploads is told that the upload is not known any more, and starts again.',
  },
  journal: {
    example: 'journal',
    show: (counts) =>
      fields({
        waiting: `${counts.waiting} tasks, ${sizeText(counts.waitingBytes)} of ${sizeText(counts.maxWaitingBytes)}`,
        running: String(counts.running),
        dead: String(counts.dead),
        unreadable: String(counts.unreadable),
        oldest: spanText(counts.oldestMs),
      }),
  },
  tasks: {
    example: 'tasks --state dead',
    show: ({ tasks, next }, nowMs) =>
      table(tasks, [
        ['ID', ({ id }) => id],
        ['KIND', ({ kind }) => kind],
        ['KEY', ({ key }) => key],
        ['STATE', ({ state }) => state],
        ['ATTEMPTS', ({ attempts }) => String(attempts)],
        ['DUE', ({ dueAtMs }) => ageText(dueAtMs, nowMs)],
        ['LAST ERROR', ({ lastError }) => lastError ?? '-'],
      ]) + more(next),
  },
  task: { example: `task ${TASK}`, show: taskFields },
  retry: { example: `retry ${TASK}`, show: taskFields },
  retryDead: { example: 'retry-dead', show: ({ retried }) => `${retried} tasks are tried again` },
  giveUp: {
    example: `give-up ${TASK} --force true`,
    note: 'The blob of a dead task may exist nowhere else: --force true confirms that it may be lost.',
  },
}
