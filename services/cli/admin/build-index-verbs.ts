import type { buildIndexAdmin, GarbageReport, RetentionReport } from '../../../lib/api/index.ts'
import { appError } from '../../../lib/base/index.ts'
import { referrerTable } from './referrer-table.ts'
import { remoteVerbs } from './remote-verbs.ts'
import { describeVerb, ringVerbs, settingsVerbs } from './shared-verbs.ts'
import { ageText, fields, sizeText, spanText, table } from './sheet.ts'
import type { VerbsOf } from './verb.ts'

const ONE = 'east team/app 1.0'
const DIGEST = `sha256:${'9f'.repeat(32)}`

interface Progress {
  readonly doneBytes: number
  readonly totalBytes: number
  readonly bytesPerSecond: number
}

const progressText = ({ doneBytes, totalBytes }: Progress) => `${sizeText(doneBytes)} of ${sizeText(totalBytes)}`

const versionText = (version: { readonly atMs: number; readonly cluster: string } | undefined) =>
  version === undefined ? '-' : `${new Date(version.atMs).toISOString()} ${version.cluster}`

/** @throws CONFIG_INVALID */
function given(options: Readonly<Record<string, string | undefined>>, name: string): string {
  const value = options[name]
  if (value !== undefined && value !== '') return value
  throw appError('CONFIG_INVALID', { message: `--${name} is missing` })
}

/** Whoever mistypes it must not have anything removed. @throws CONFIG_INVALID */
function isDry(text: string | undefined): boolean {
  if (text === undefined || text === 'true' || text === 'false') return text === 'true'
  throw appError('CONFIG_INVALID', { message: '--dry-run is true or false' })
}

const garbageText = (report: GarbageReport, nowMs: number) =>
  [
    fields({
      look: report.id,
      state: report.dryRun ? `${report.state} (dry run: nothing is changed)` : report.state,
      began: ageText(report.startedAtMs, nowMs),
      changed: ageText(report.updatedAtMs, nowMs),
      at: report.state === 'running' ? `${report.phase} ${report.at}` : '-',
      grace: spanText(report.graceMs),
      'last error': report.lastError === undefined ? '-' : `${report.lastError.code}: ${report.lastError.message}`,
    }),
    table(
      [
        [
          'links',
          report.counts.links,
          report.counts.linksCondemned,
          report.counts.linksWaiting,
          report.counts.linksRemoved,
        ],
        [
          'blobs',
          report.counts.blobs,
          report.counts.blobsCondemned,
          report.counts.blobsWaiting,
          report.counts.blobsRemoved,
        ],
      ],
      [
        ['WHAT', ([what]) => String(what)],
        ['LOOKED AT', ([, looked]) => String(looked)],
        ['CONDEMNED', ([, , condemned]) => String(condemned)],
        ['WAITING', ([, , , waiting]) => String(waiting)],
        ['REMOVED', ([, , , , removed]) => String(removed)],
      ],
    ),
    fields({
      repositories: String(report.counts.repositories),
      manifests: String(report.counts.manifests),
      'bytes removed': sizeText(report.counts.bytesRemoved),
      pardoned: String(report.counts.blobsPardoned),
      held: String(report.counts.blobsHeld),
      'not readable': report.unreadable.map(({ repository, code }) => `${repository} (${code})`).join(', ') || '-',
      'without lists': report.unsupported.join(', ') || '-',
    }),
  ].join('\n\n')

const momentText = (atMs: number | undefined, nowMs: number) =>
  atMs === undefined || atMs === 0 ? '-' : ageText(atMs, nowMs)

const retentionText = (report: RetentionReport, nowMs: number) =>
  [
    fields({
      look: report.id,
      state: report.dryRun ? `${report.state} (dry run: nothing is changed)` : report.state,
      began: ageText(report.startedAtMs, nowMs),
      changed: ageText(report.updatedAtMs, nowMs),
      'last error': report.lastError === undefined ? '-' : `${report.lastError.code}: ${report.lastError.message}`,
      repositories: String(report.counts.repositories),
      tags: String(report.counts.tags),
      deleted: String(report.counts.removed),
      'changed meanwhile': String(report.counts.spared),
      ...Object.fromEntries(Object.entries(report.counts.kept).map(([why, count]) => [`kept: ${why}`, String(count)])),
      manifests: String(report.untagged.manifests),
      'newly untagged': String(report.untagged.condemned),
      'deleted manifests': String(report.untagged.removed),
      'asked for meanwhile': String(report.untagged.spared),
      ...Object.fromEntries(
        Object.entries(report.untagged.kept).map(([why, count]) => [`manifests kept: ${why}`, String(count)]),
      ),
      'not readable': report.unreadable.map(({ repository, code }) => `${repository} (${code})`).join(', ') || '-',
    }),
    table(report.removed, [
      [report.dryRun ? 'WOULD BE DELETED' : 'DELETED', ({ repository, tag }) => `${repository}:${tag}`],
      ['RULE', ({ rule }) => String(rule ?? '-')],
      ['MOVED', ({ changedAtMs }) => momentText(changedAtMs, nowMs)],
      ['PULLED', ({ pulledAtMs }) => momentText(pulledAtMs, nowMs)],
    ]),
    table(report.removedManifests, [
      [report.dryRun ? 'WOULD BE DELETED' : 'DELETED', ({ repository, digest }) => `${repository}@${digest}`],
      ['NEEDED BY NOTHING', ({ condemnedAtMs }) => momentText(condemnedAtMs, nowMs)],
    ]),
  ].join('\n\n')

/** `shoal admin build-index VERB`: one entry for each call of the API. */
export const buildIndexVerbs: VerbsOf<typeof buildIndexAdmin> = {
  ...ringVerbs,
  ...settingsVerbs,
  ...describeVerb,
  ...remoteVerbs,
  replications: {
    example: 'replications --state dead',
    show: ({ replications, next }, nowMs) =>
      table(replications, [
        ['REMOTE', ({ remote }) => remote],
        ['REPOSITORY', ({ repository }) => repository],
        ['TAG', ({ tag }) => tag],
        ['STATE', ({ state, outcome }) => (outcome === undefined ? state : `${state} (${outcome})`)],
        ['BYTES', progressText],
        ['RATE', ({ bytesPerSecond }) => `${sizeText(bytesPerSecond)}/s`],
        ['TRIES', ({ attempts }) => String(attempts)],
        ['LAST ERROR', ({ lastError }) => lastError?.code ?? '-'],
        ['CHANGED', ({ updatedAtMs }) => ageText(updatedAtMs, nowMs)],
      ]) + (next === undefined ? '' : `\nmore: --last ${next}`),
  },
  replication: {
    example: `replication ${ONE}`,
    show: (one, nowMs) =>
      fields({
        remote: one.remote,
        tag: `${one.repository}:${one.tag}`,
        state: one.state,
        outcome: one.outcome ?? '-',
        digest: one.digest ?? '-',
        version: versionText(one.version),
        'later version there': versionText(one.laterVersion),
        bytes: progressText(one),
        sent: sizeText(one.sentBytes),
        rate: `${sizeText(one.bytesPerSecond)}/s`,
        tries: String(one.attempts),
        'last error': one.lastError === undefined ? '-' : `${one.lastError.code}: ${one.lastError.message}`,
        uploads: String(one.uploads.length),
        changed: ageText(one.updatedAtMs, nowMs),
      }),
  },
  replicate: {
    example: 'replicate --repository team/app --tag 1.0 --remote east',
    options: {
      repository: 'the repository of the tag',
      tag: 'the tag',
      remote: 'the remote or webhook that it goes to; without it, all remotes whose rules fit',
    },
    body: (options) => ({
      repository: given(options, 'repository'),
      tag: given(options, 'tag'),
      ...(options['remote'] !== undefined && { remote: options['remote'] }),
    }),
    show: ({ remotes }) => (remotes.length === 0 ? 'no rule fits the tag' : `on its way to: ${remotes.join(', ')}`),
  },
  retryReplication: { example: `retry-replication ${ONE}` },
  gc: {
    example: 'gc --dry-run true',
    options: { 'dry-run': 'true: says what would be done, and does nothing' },
    body: (options) => ({ dryRun: isDry(options['dryRun']) }),
    show: garbageText,
  },
  gcReport: { example: 'gc-report', show: garbageText },
  gcStop: { example: 'gc-stop', note: 'What is condemned stays so; the next look goes on with it.' },
  upstreams: {
    example: 'upstreams',
    show: ({ upstreams, silent }, nowMs) =>
      table(upstreams, [
        ['REGISTRY', ({ registry }) => registry],
        ['RULE', ({ rule }) => rule],
        ['AT', ({ at }) => at],
        ['STATE', ({ outForMs }) => (outForMs === undefined ? 'answers' : `out, pinged in ${spanText(outForMs)}`)],
        ['REQUESTS', ({ requests }) => String(requests)],
        [
          'LAST ERROR',
          ({ lastError }) => (lastError ? `${lastError.code} ${ageText(nowMs - lastError.ageMs, nowMs)}` : '-'),
        ],
        ['LEFT', ({ budget }) => (budget ? `${budget.remaining} of ${budget.limit}` : '-')],
      ]) + (silent.length === 0 ? '' : `\n\nno answer from: ${silent.join(', ')}`),
  },
  gcTakeOver: {
    example: 'gc-take-over',
    note: 'A cluster that still writes there leaves its mark again.',
    show: ({ clusters }) =>
      clusters.length === 0
        ? 'there are no marks of others'
        : table(clusters, [
            ['MARK REMOVED OF', ({ cluster }) => cluster],
            ['INDEX', ({ id }) => id],
          ]),
  },
  retention: {
    example: 'retention --dry-run true',
    options: { 'dry-run': 'true: says what would be done, and does nothing' },
    body: (options) => ({ dryRun: isDry(options['dryRun']) }),
    show: retentionText,
  },
  retentionReport: { example: 'retention-report', show: retentionText },
  retentionStop: { example: 'retention-stop', note: 'What is deleted stays so; the next look begins anew.' },
  repositories: {
    example: 'repositories',
    show: ({ repositories, next }) =>
      [...repositories, ...(next === undefined ? [] : ['', `more: --last ${next}`])].join('\n'),
  },
  referrers: {
    example: `referrers team/app ${DIGEST}`,
    show: ({ referrers, next }) => referrerTable(referrers) + (next === undefined ? '' : `\nmore: --last ${next}`),
  },
  deleteTag: { example: 'delete-tag team/app 1.0' },
  tags: {
    example: 'tags team/app',
    show: ({ tags, next }) =>
      table(tags, [
        ['TAG', ({ tag }) => tag],
        ['DIGEST', ({ digest }) => digest],
        ['TYPE', ({ mediaType }) => mediaType],
      ]) + (next === undefined ? '' : `\nmore: --last ${next}`),
  },
  retentionTags: {
    example: 'retention-tags team/app',
    show: ({ tags, next }, nowMs) =>
      table(tags, [
        ['TAG', ({ tag }) => tag],
        ['VERDICT', ({ kept, reason }) => (kept ? `kept (${reason})` : 'would be deleted')],
        ['RULE', ({ rule }) => (rule === undefined ? '-' : String(rule))],
        ['MOVED', ({ changedAtMs }) => momentText(changedAtMs, nowMs)],
        ['PULLED', ({ pulledAtMs }) => momentText(pulledAtMs, nowMs)],
      ]) + (next === undefined ? '' : `\nmore: --last ${next}`),
  },
  retentionManifests: {
    example: 'retention-manifests team/app',
    note: 'None where no rule of retention.untagged is about the repository.',
    show: ({ manifests, next }, nowMs) =>
      table(manifests, [
        ['MANIFEST', ({ digest }) => digest],
        ['VERDICT', ({ kept, reason }) => (kept ? `kept (${reason})` : 'would be deleted')],
        ['NEEDED BY NOTHING', ({ condemnedAtMs }) => momentText(condemnedAtMs, nowMs)],
      ]) + (next === undefined ? '' : `\nmore: --last ${next}`),
  },
  cancelReplication: {
    example: `cancel-replication ${ONE}`,
    note: 'What the remote has already stays there.',
  },
}
