import type { Relation, RelationRule, RelationWindow } from '../state/relations.ts'
import { wordsIn } from './words.ts'

/** What stands in the fields of the form of a relation; numbers are texts. */
export interface RelationFields {
  readonly from: string
  readonly to: string
  /** The name of the other cluster at the build-indexes; empty: its own. */
  readonly remote: string
  readonly rules: readonly RelationRule[]
  readonly windows: readonly RelationWindow[]
  /** MiB in a second; empty: no limit. */
  readonly bandwidth: string
  readonly concurrency: string
  readonly signatures: boolean
  readonly deletes: boolean
  /** Addresses; none: those with which the build-indexes have joined. */
  readonly urls: string
  readonly note: string
}

export const emptyRule: RelationRule = { repository: '', tag: '*' }
export const emptyWindow: RelationWindow = { from: '22:00', to: '06:00' }

export const emptyRelation: RelationFields = {
  ...{ from: '', to: '', remote: '', rules: [{ repository: '*', tag: '*' }], windows: [], bandwidth: '' },
  ...{ concurrency: '4', signatures: true, deletes: false, urls: '', note: '' },
}

const MIB = 1024 * 1024
const bytesOf = (text: string) => (text.trim() === '' ? undefined : Math.round(Number(text) * MIB))

export const fieldsOfRelation = (relation: Relation): RelationFields => ({
  ...{ from: relation.from, to: relation.to, remote: relation.remote, rules: relation.rules },
  ...{ windows: relation.windows, concurrency: String(relation.concurrency), note: relation.note },
  bandwidth: relation.bandwidth === undefined ? '' : String(relation.bandwidth / MIB),
  ...{ signatures: relation.signatures, deletes: relation.deletes, urls: (relation.urls ?? []).join('\n') },
})

/** Rows that say nothing at all are left out. */
const rulesOf = ({ rules }: RelationFields): readonly RelationRule[] =>
  rules
    .map(({ repository, tag }) => ({ repository: repository.trim(), tag: tag.trim() }))
    .filter(({ repository, tag }) => repository + tag !== '' && !(repository === '' && tag === emptyRule.tag))

export type LackingOfRelation = 'clusters' | 'rules' | 'windows' | 'bandwidth' | 'concurrency'

const isWhole = (text: string, most: number) => /^\d+$/.test(text.trim()) && Number(text) >= 1 && Number(text) <= most

/** What is missing or is none, by its field. */
export function lackOfRelation(fields: RelationFields): LackingOfRelation | undefined {
  if (fields.from === '' || fields.to === '' || fields.from === fields.to) return 'clusters'
  const rules = rulesOf(fields)
  if (rules.length === 0 || rules.some(({ repository, tag }) => repository === '' || tag === '')) return 'rules'
  if (fields.windows.some(({ from, to }) => from === '' || to === '' || from === to)) return 'windows'
  const bytes = bytesOf(fields.bandwidth)
  if (bytes !== undefined && !(bytes >= 1)) return 'bandwidth'
  return isWhole(fields.concurrency, 64) ? undefined : 'concurrency'
}

/** All that can be changed later, as the API takes it. */
function givenOf(fields: RelationFields) {
  const urls = wordsIn(fields.urls)
  return {
    ...{ rules: rulesOf(fields), windows: fields.windows, concurrency: Number(fields.concurrency) },
    ...{ signatures: fields.signatures, deletes: fields.deletes, note: fields.note.trim() },
    ...{ bandwidth: bytesOf(fields.bandwidth) ?? null, urls: urls.length === 0 ? null : urls },
  }
}

/** What makes the relation that the fields say. */
export function newRelationOf(fields: RelationFields) {
  const { bandwidth, urls, ...given } = givenOf(fields)
  const remote = fields.remote.trim()
  return {
    ...{ from: fields.from, to: fields.to, ...given },
    ...(remote !== '' && { remote }),
    ...(bandwidth !== null && { bandwidth }),
    ...(urls !== null && { urls }),
  }
}

/** What the fields change of a relation; what they leave as it was is left out. */
export function changesOfRelation(relation: Relation, fields: RelationFields): Readonly<Record<string, unknown>> {
  const before = new Map<string, unknown>(Object.entries(givenOf(fieldsOfRelation(relation))))
  const changed = Object.entries(givenOf(fields)).filter(
    ([key, value]) => JSON.stringify(value) !== JSON.stringify(before.get(key)),
  )
  return Object.fromEntries(changed)
}
