import type { AnswerOf, managerApi } from '../../../lib/api/index.ts'
import { appError } from '../../../lib/base/index.ts'
import { numberIn } from './options.ts'
import { ageText, fields, rateText, table } from './sheet.ts'
import type { VerbOptions, VerbsOf } from './verb.ts'

type Calls = Pick<
  typeof managerApi,
  | 'clusters'
  | 'createCluster'
  | 'cluster'
  | 'changeCluster'
  | 'removeCluster'
  | 'joinTokens'
  | 'createJoinToken'
  | 'revokeJoinToken'
  | 'members'
  | 'member'
  | 'forgetMember'
  | 'hosts'
  | 'assignment'
>
type Cluster = AnswerOf<Calls['cluster']>
type Member = AnswerOf<Calls['member']>
type Token = AnswerOf<Calls['joinTokens']>['tokens'][number]
type Host = AnswerOf<Calls['hosts']>['hosts'][number]
type Assigned = AnswerOf<Calls['assignment']>['cluster']

const more = (next: string | undefined) => (next === undefined ? '' : `\n\nmore: --last ${next}`)

const counts = (some: Readonly<Record<string, number>>) =>
  Object.entries(some)
    .filter(([, count]) => count > 0)
    .map(([name, count]) => `${count} ${name}`)
    .join(', ') || '-'

const listed = (items: readonly string[]) => items.join(', ') || '-'

const clusterText = (cluster: Cluster, nowMs: number) =>
  fields({
    ...{ name: cluster.name, id: cluster.id, description: cluster.description || '-', state: cluster.state },
    ...{
      default: cluster.default ? 'yes' : 'no',
      members: counts(cluster.members),
      versions: counts(cluster.versions),
    },
    ...{ agents: String(cluster.agents), behind: String(cluster.behind) },
    ...{ cidrs: listed(cluster.scopes.cidrs), zones: listed(cluster.scopes.zones) },
    ...{ hosts: listed(cluster.scopes.hosts), revision: String(cluster.revision) },
    created: ageText(cluster.createdAtMs, nowMs),
  })

/** The generation that it runs, and why not the one that it should. */
const runText = ({ generation, behind, settings }: Host) => {
  if (!behind) return generation === undefined ? '-' : String(generation)
  const why = [settings?.code ?? settings?.state, settings?.message].filter((word) => word !== undefined)
  return `${generation ?? 0}, behind: ${why.join(' ')}`
}

const memberText = (member: Member, nowMs: number) =>
  fields({
    ...{ id: member.id, cluster: member.cluster, kind: member.kind, name: member.member, version: member.version },
    ...{ zone: member.zone ?? '-', state: `${member.state} since ${ageText(member.sinceMs, nowMs)}` },
    why: member.reasons.join('; ') || '-',
    ...{ ops: member.urls.ops, admin: member.urls.admin, http: member.urls.http ?? '-' },
    heartbeat: ageText(member.heartbeatAtMs, nowMs),
    capacity: Object.entries(member.capacity)
      .map(([name, value]) => `${name} ${value}`)
      .join(', '),
  })

const tokenText = (token: Token, nowMs: number) =>
  fields({
    ...{ id: token.id, name: token.name, state: token.state, used: String(token.used) },
    'uses left': token.usesLeft === undefined ? 'any number' : String(token.usesLeft),
    ends: token.expiresAtMs === undefined ? 'never' : ageText(token.expiresAtMs, nowMs),
  })

const clusterOptions = {
  description: 'what it is, for people',
  cidrs: 'networks of its clients, with commas between them',
  zones: 'their zones; a * may stand at the end of each',
  'host-patterns': 'regular expressions of their host names',
  default: 'yes: it gets who fits no other cluster; no',
}

const split = (text: string | undefined) => text?.split(',').filter((part) => part !== '')

/** @throws CONFIG_INVALID */
function isDefault({ default: given }: VerbOptions): boolean | undefined {
  if (given === undefined) return undefined
  if (given === 'yes' || given === 'no') return given === 'yes'
  throw appError('CONFIG_INVALID', { message: '--default is yes or no' })
}

/** @throws CONFIG_INVALID */
function required(options: VerbOptions, name: string): string {
  const given = options[name]
  if (given === undefined) throw appError('CONFIG_INVALID', { message: `say which: --${name} TEXT` })
  return given
}

/** What is given of a cluster. */
function clusterBody(options: VerbOptions) {
  const scopes = {
    ...(options['cidrs'] !== undefined && { cidrs: split(options['cidrs']) }),
    ...(options['zones'] !== undefined && { zones: split(options['zones']) }),
    ...(options['host-patterns'] !== undefined && { hosts: split(options['host-patterns']) }),
  }
  const chosen = isDefault(options)
  return {
    ...(options['description'] !== undefined && { description: options['description'] }),
    ...(Object.keys(scopes).length > 0 && { scopes }),
    ...(chosen !== undefined && { default: chosen }),
  }
}

const assignedTable = (clusters: readonly Assigned[]) =>
  table(clusters, [
    ['CLUSTER', ({ name }) => name],
    ['POINTS', ({ points }) => String(points)],
    ['WHY', ({ why }) => why.join('; ')],
    ['TRACKERS', ({ trackers }) => trackers.map(({ url }) => url).join(' ')],
  ])

export const managerClusterVerbs: VerbsOf<Calls> = {
  clusters: {
    example: 'clusters',
    show: ({ clusters, next }) =>
      table(clusters, [
        ['CLUSTER', ({ name }) => name],
        ['STATE', ({ state }) => state],
        ['MEMBERS', ({ members }) => counts(members)],
        ['AGENTS', ({ agents }) => String(agents)],
        ['VERSIONS', ({ versions }) => Object.keys(versions).join(' ')],
      ]) + more(next),
  },
  createCluster: {
    example: 'create-cluster --name beijing --cidrs 10.1.0.0/16 --zones cn-beijing*',
    options: { name: 'lower-case letters, digits and dashes', ...clusterOptions },
    body: (options) => ({ name: required(options, 'name'), ...clusterBody(options) }),
    show: clusterText,
  },
  cluster: { example: 'cluster beijing', show: clusterText },
  changeCluster: {
    example: 'change-cluster beijing --default yes',
    note: 'A list replaces the one before.',
    options: { name: 'a new name', ...clusterOptions, revision: 'of the cluster as you have seen it' },
    body(options) {
      const revision = numberIn(options, 'revision')
      return {
        ...clusterBody(options),
        ...(options['name'] !== undefined && { name: options['name'] }),
        ...(revision !== undefined && { revision }),
      }
    },
    show: clusterText,
  },
  removeCluster: { example: 'remove-cluster beijing' },
  joinTokens: {
    example: 'join-tokens beijing',
    show: ({ tokens }, nowMs) =>
      table(tokens, [
        ['ID', ({ id }) => id],
        ['NAME', ({ name }) => name],
        ['STATE', ({ state }) => state],
        ['USED', ({ used }) => String(used)],
        ['LEFT', ({ usesLeft }) => (usesLeft === undefined ? '-' : String(usesLeft))],
        ['ENDS', ({ expiresAtMs }) => (expiresAtMs === undefined ? 'never' : ageText(expiresAtMs, nowMs))],
      ]),
  },
  createJoinToken: {
    example: 'create-join-token beijing --name rollout --hours 2',
    note: 'The token is shown this once.',
    options: { name: 'what it is for', hours: 'how long it is good; default 24', uses: 'joins; default any number' },
    body(options) {
      const [hours, uses] = [numberIn(options, 'hours'), numberIn(options, 'uses')]
      return {
        name: required(options, 'name'),
        ...(hours !== undefined && { hours }),
        ...(uses !== undefined && { uses }),
      }
    },
    show: ({ token, ...kept }, nowMs) => `${tokenText(kept, nowMs)}\n\n${token}`,
  },
  revokeJoinToken: { example: 'revoke-join-token beijing 0m8k2x1p3-9f9f9f9f9f9f9f9f' },
  members: {
    example: 'members --state degraded',
    show: ({ members, next }, nowMs) =>
      table(members, [
        ['CLUSTER', ({ cluster }) => cluster],
        ['KIND', ({ kind }) => kind],
        ['MEMBER', ({ member }) => member],
        ['VERSION', ({ version }) => version],
        ['STATE', ({ state }) => state],
        ['SINCE', ({ sinceMs }) => ageText(sinceMs, nowMs)],
        ['WHY', ({ reasons }) => reasons.join('; ')],
        ['ID', ({ id }) => id],
      ]) + more(next),
  },
  member: { example: 'member 0m8k2x1p3-9f9f9f9f9f9f9f9f', show: memberText },
  forgetMember: { example: 'forget-member 0m8k2x1p3-9f9f9f9f9f9f9f9f' },
  hosts: {
    example: 'hosts --cluster beijing --text 10.1.2',
    show: ({ hosts, next }, nowMs) =>
      table(hosts, [
        ['CLUSTER', ({ cluster }) => cluster],
        ['HOST', ({ host, port }) => `${host}:${port}`],
        ['ROLE', ({ role }) => role],
        ['ZONE', ({ zone }) => zone ?? '-'],
        ['STATE', ({ state, why }) => (why === undefined ? state : `${state}: ${why}`)],
        ['VERSION', ({ version }) => version ?? '-'],
        ['SETTINGS', runText],
        ['SEEN', ({ seenAtMs }) => ageText(seenAtMs, nowMs)],
        ['SEEDS', ({ seeds }) => String(seeds)],
        ['IN', ({ bytesInPerSecond }) => rateText(bytesInPerSecond)],
        ['OUT', ({ bytesOutPerSecond }) => rateText(bytesOutPerSecond)],
      ]) + more(next),
  },
  assignment: {
    example: 'assignment --address 10.1.2.3 --zone cn-beijing-a',
    show: ({ cluster, alternatives, passed }) =>
      [
        assignedTable([cluster, ...alternatives]),
        ...passed.map(({ name, why }) => `${name} fits and is not named: ${why}`),
      ].join('\n'),
  },
}
