import type { AnswerOf, managerApi } from '../../../lib/api/index.ts'
import { appError } from '../../../lib/base/index.ts'
import { parseRate } from '../../../lib/config/index.ts'
import { numberIn } from './options.ts'
import { ageText, fields, rateText, table } from './sheet.ts'
import type { VerbOptions, VerbsOf } from './verb.ts'

type Calls = Pick<
  typeof managerApi,
  'relations' | 'relation' | 'createRelation' | 'changeRelation' | 'removeRelation' | 'relationStates'
>
type Relation = AnswerOf<Calls['relation']>
type Seen = AnswerOf<Calls['relations']>['relations'][number]
type Rule = Relation['rules'][number]

/** What stands for addresses that the relation does not have itself. */
const JOINED = 'joined'

const parts = (text: string) => text.split(/[\s,]+/).filter((part) => part !== '')

const rulesText = (rules: readonly Rule[]) => rules.map(({ repository, tag }) => `${repository}:${tag}`).join(' ')

const yesNo = (value: boolean) => (value ? 'yes' : 'no')

/** A colon in front of a slash belongs to a port. */
function ruleIn(part: string): Rule {
  const { repository = part, tag = '*' } = /^(?<repository>.+):(?<tag>[^:/]+)$/.exec(part)?.groups ?? {}
  return { repository, tag }
}

/** @throws CONFIG_INVALID */
function windowIn(part: string): Relation['windows'][number] {
  const [from = '', to = '', ...rest] = part.split('-')
  if (to !== '' && rest.length === 0) return { from, to }
  throw appError('CONFIG_INVALID', { message: `"${part}" is no window; write it like 22:30-06:00, in UTC` })
}

/** @throws CONFIG_INVALID */
function flagIn(options: VerbOptions, name: string): boolean | undefined {
  const given = options[name]
  if (given === undefined) return undefined
  if (given === 'yes' || given === 'no') return given === 'yes'
  throw appError('CONFIG_INVALID', { message: `--${name} is yes or no` })
}

/** @throws CONFIG_INVALID */
function required(options: VerbOptions, name: string): string {
  const given = options[name]
  if (given === undefined) throw appError('CONFIG_INVALID', { message: `say which: --${name} TEXT` })
  return given
}

/** What is given of everything that has the same form in a new relation and in a change. */
function given(options: VerbOptions) {
  const { rules, windows, note } = options
  const [signatures, deletes] = [flagIn(options, 'signatures'), flagIn(options, 'deletes')]
  const [isPaused, concurrency] = [flagIn(options, 'paused'), numberIn(options, 'concurrency')]
  return {
    ...(rules !== undefined && { rules: parts(rules).map(ruleIn) }),
    ...(windows !== undefined && { windows: parts(windows).map(windowIn) }),
    ...(concurrency !== undefined && { concurrency }),
    ...(signatures !== undefined && { signatures }),
    ...(deletes !== undefined && { deletes }),
    ...(isPaused !== undefined && { isPaused }),
    ...(note !== undefined && { note }),
  }
}

const shared = {
  rules: 'tags that go, as REPOSITORY:TAG with spaces between them; * stands for any characters',
  urls: `how build-indexes of one cluster reach those of the other, with commas between them; ${JOINED}: as they joined`,
  windows: 'when they go, like 22:30-06:00, in UTC; an empty text: at once',
  bandwidth: 'most in a second, like 20MB/s, or unlimited',
  concurrency: 'blobs that one build-index sends at the same time',
  signatures: 'yes or no: whether signatures go along',
  deletes: 'yes or no: whether a tag that is deleted is deleted there, too',
  paused: 'yes or no',
  note: 'for people',
}

const relationText = (relation: Relation, nowMs: number) =>
  fields({
    ...{ id: relation.id, from: relation.from, to: relation.to, remote: relation.remote },
    ...{ state: relation.isPaused ? 'paused' : 'on', rules: rulesText(relation.rules) },
    urls: relation.urls?.join(' ') ?? 'as they have joined',
    windows: relation.windows.map(({ from, to }) => `${from}-${to}`).join(' ') || 'at once',
    bandwidth: relation.bandwidth === undefined ? 'unlimited' : rateText(relation.bandwidth),
    ...{ concurrency: String(relation.concurrency), signatures: yesNo(relation.signatures) },
    ...{ deletes: yesNo(relation.deletes), note: relation.note || '-' },
    ...{ created: ageText(relation.createdAtMs, nowMs), changed: ageText(relation.changedAtMs, nowMs) },
  })

const seenState = ({ isPaused, reachable, lastError }: Seen) => {
  if (isPaused) return 'paused'
  if (reachable === undefined) return 'not told'
  return reachable ? 'answers' : `silent: ${lastError ?? 'not asked yet'}`
}

export const managerRelationVerbs: VerbsOf<Calls> = {
  relations: {
    example: 'relations --cluster beijing',
    show: ({ relations, silent, next }) =>
      [
        table(relations, [
          ['FROM', ({ from }) => from],
          ['TO', ({ to, remote }) => to ?? `(${remote})`],
          ['BY', ({ origin }) => origin],
          ['STATE', seenState],
          ['RULES', ({ rules }) => rulesText(rules)],
        ]),
        ...silent.map(({ cluster, code }) => `${cluster}: no build-index answers: ${code}`),
        ...(next === undefined ? [] : ['', `more: --last ${next}`]),
      ].join('\n'),
  },
  relation: { example: 'relation beijing:shanghai', show: relationText },
  createRelation: {
    example: 'create-relation --from beijing --to shanghai --rules "team/*:v* lib/*"',
    options: {
      from: 'the cluster whose tags go',
      to: 'the cluster that they go to',
      remote: 'its name at the build-indexes; default: the name of the cluster',
      ...shared,
    },
    body(options) {
      const { remote, urls, bandwidth: rate } = options
      const bandwidth = rate === undefined ? undefined : parseRate(rate)
      return {
        ...{ from: required(options, 'from'), to: required(options, 'to') },
        ...given(options),
        rules: parts(required(options, 'rules')).map(ruleIn),
        ...(remote !== undefined && { remote }),
        ...(urls !== undefined && urls !== JOINED && { urls: parts(urls) }),
        ...(bandwidth !== undefined && { bandwidth }),
      }
    },
    show: relationText,
  },
  changeRelation: {
    example: 'change-relation beijing:shanghai --paused yes',
    note: 'What is given replaces what was.',
    options: shared,
    body(options) {
      const { urls, bandwidth } = options
      return {
        ...given(options),
        ...(urls !== undefined && { urls: urls === JOINED ? null : parts(urls) }),
        ...(bandwidth !== undefined && { bandwidth: parseRate(bandwidth) ?? null }),
      }
    },
    show: relationText,
  },
  removeRelation: { example: 'remove-relation beijing:shanghai', note: 'What has arrived stays.' },
  relationStates: {
    example: 'relation-states',
    show: ({ applied, of, generation, buildIndexes }) =>
      [
        `generation ${generation}: applied by ${applied} of ${of}`,
        table(buildIndexes, [
          ['CLUSTER', ({ cluster }) => cluster],
          ['BUILD-INDEX', ({ buildIndex }) => buildIndex],
          ['STATE', ({ state }) => state],
          ['HAS', (row) => String(row.generation ?? '-')],
          ['WHY', ({ code, manager }) => code ?? (manager === undefined ? '' : `those of ${manager}`)],
        ]),
      ].join('\n\n'),
  },
}
