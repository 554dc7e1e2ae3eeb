import type { Credentials, JobKind, JobScope, JobSpec, ShownSpec } from '../state/jobs.ts'
import { jobKinds, jobScopes } from '../state/jobs.ts'
import { wordsIn } from './words.ts'

export const whichHosts = ['all', 'zone', 'hosts'] as const
export const howMany = ['all', 'count', 'percent'] as const

/** What stands in the fields of the form of a job; lists are texts with one thing on each line. */
export interface JobFields {
  readonly kind: JobKind
  readonly targets: string
  readonly urls: string
  /** Names of clusters; none: all of them. */
  readonly clusters: readonly string[]
  readonly scope: JobScope
  readonly which: (typeof whichHosts)[number]
  readonly zone: string
  readonly hosts: string
  readonly many: (typeof howMany)[number]
  readonly count: string
  readonly percent: string
  readonly platforms: string
  readonly atOnce: string
  readonly minutes: string
  readonly dryRun: boolean
  readonly note: string
}

export const emptyFields: JobFields = {
  ...{ kind: 'preheat', targets: '', urls: '', clusters: [], scope: 'single_origin', which: 'all', zone: '' },
  ...{ hosts: '', many: 'all', count: '', percent: '', platforms: '', atOnce: '', minutes: '', dryRun: true, note: '' },
}

/** What the fields of a kind are about. */
export const kindHas = {
  targets: (kind: JobKind) => kind !== 'gc' && kind !== 'retention',
  hosts: (kind: JobKind) => !['gc', 'retention', 'backfill'].includes(kind),
  dryRun: (kind: JobKind) => kind === 'gc' || kind === 'retention',
}

const listed = <Name extends string>(name: Name, words: readonly string[]) =>
  (words.length === 0 ? {} : { [name]: words }) as { readonly [Key in Name]?: readonly string[] }
const numbered = <Name extends string>(name: Name, text: string, by = 1) =>
  (text.trim() === '' ? {} : { [name]: Number(text) * by }) as { readonly [Key in Name]?: number }

function hostsOf(fields: JobFields): Partial<JobSpec> {
  const { kind, scope, which, zone, hosts, many, count, percent } = fields
  if (!kindHas.hosts(kind) || (kind === 'preheat' && scope !== 'agents')) return {}
  return {
    ...(which === 'zone' && { zone: zone.trim() }),
    ...(which === 'hosts' && { hosts: wordsIn(hosts) }),
    ...(many === 'count' && numbered('count', count)),
    ...(many === 'percent' && numbered('percent', percent)),
  }
}

/** The job that the fields say; what does not belong to its kind is left out. */
export function specOf(fields: JobFields): JobSpec {
  const { kind, scope, note } = fields
  const preheats = kind === 'preheat'
  return {
    kind,
    ...listed('clusters', fields.clusters),
    ...(kindHas.targets(kind) && listed('targets', wordsIn(fields.targets))),
    ...(preheats && {
      ...listed('urls', wordsIn(fields.urls)),
      ...listed('platforms', wordsIn(fields.platforms)),
      scope,
    }),
    ...hostsOf(fields),
    ...(kindHas.hosts(kind) && numbered('atOnce', fields.atOnce)),
    ...numbered('limitSeconds', fields.minutes, 60),
    ...(kindHas.dryRun(kind) && fields.dryRun && { dryRun: true }),
    ...(note.trim() !== '' && { note: note.trim() }),
  }
}

/** What is missing, by the field that lacks it. */
export function lackOf(
  { kind, targets = [], urls = [], zone, hosts }: JobSpec,
  fields: JobFields,
): LackingField | undefined {
  if (kindHas.targets(kind) && targets.length + urls.length === 0) return 'targets'
  if (zone === '') return 'zone'
  if (hosts?.length === 0) return 'hosts'
  if (!kindHas.hosts(kind) || (kind === 'preheat' && fields.scope !== 'agents')) return undefined
  const text = fields.many === 'all' ? '1' : fields[fields.many]
  return Number(text) > 0 ? undefined : fields.many === 'count' ? 'count' : 'percent'
}
export type LackingField = 'targets' | 'zone' | 'hosts' | 'count' | 'percent'

const lines = (words: readonly string[] = []) => words.join('\n')
const numberText = (value: number | undefined, by = 1) => (value === undefined ? '' : String(value / by))

/** The fields of a job that somebody gave before, to give it again. */
export const fieldsOf = (spec: ShownSpec): JobFields => ({
  ...emptyFields,
  ...{ kind: spec.kind, clusters: spec.clusters ?? [], scope: spec.scope ?? 'single_origin' },
  ...{ targets: lines(spec.targets), urls: lines(spec.urls), platforms: (spec.platforms ?? []).join(' ') },
  ...{ which: spec.hosts !== undefined ? 'hosts' : spec.zone !== undefined ? 'zone' : 'all' },
  ...{ zone: spec.zone ?? '', hosts: lines(spec.hosts) },
  ...{ many: spec.count !== undefined ? 'count' : spec.percent !== undefined ? 'percent' : 'all' },
  ...{ count: numberText(spec.count), percent: numberText(spec.percent), atOnce: numberText(spec.atOnce) },
  ...{ minutes: numberText(spec.limitSeconds, 60), dryRun: spec.dryRun ?? false, note: spec.note ?? '' },
})

/** The fields that an address of the form says: a kind, targets and a cluster; never what is secret. */
export function fieldsAsked({ kind, target = '', cluster = '', scope }: Readonly<Record<string, string>>): JobFields {
  return {
    ...emptyFields,
    kind: jobKinds.find((each) => each === kind) ?? 'preheat',
    scope: jobScopes.find((each) => each === scope) ?? (target === '' ? 'single_origin' : 'agents'),
    targets: target,
    clusters: cluster === '' ? [] : [cluster],
  }
}

/** What somebody has to type before a job removes something; undefined for a job that removes nothing. */
export function phraseOf({ kind, targets = [], dryRun }: JobSpec): string | undefined {
  if (kind === 'delete') return targets.length === 1 ? targets[0] : `delete ${targets.length}`
  return kindHas.dryRun(kind) && dryRun !== true ? kind : undefined
}

export interface JobKey {
  readonly content: string
  readonly key: string
}

/** The key of what is sent: the same one for the same content, so two clicks, or a try after a broken line, are one job. */
export const keyFor = (before: JobKey | undefined, spec: JobSpec, made: () => string): JobKey => {
  const content = JSON.stringify(spec)
  return before?.content === content ? before : { content, key: made() }
}

/** What is shown to a registry; undefined when nothing was filled in. */
export function credentialsOf(username: string, password: string, token: string): Credentials | undefined {
  if (username + password + token === '') return undefined
  return {
    ...(username !== '' && { username }),
    ...(password !== '' && { password }),
    ...(token !== '' && { headers: { authorization: `Bearer ${token}` } }),
  }
}
