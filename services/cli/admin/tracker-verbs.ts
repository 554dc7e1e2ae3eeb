import type { Holds, trackerAdmin } from '../../../lib/api/index.ts'
import { appError } from '../../../lib/base/index.ts'
import { explainText, pullTable } from '../explain/words.ts'
import { fleetVerbs } from './fleet-verbs.ts'
import { numberIn } from './options.ts'
import { describeVerb, ringVerbs } from './shared-verbs.ts'
import { ageText, fields, rateText, sizeText, table } from './sheet.ts'
import { steeringVerbs } from './steering-verbs.ts'
import { holdsText, more } from './tracker-words.ts'
import type { VerbOptions, VerbsOf } from './verb.ts'

const DIGEST = `sha256:${'9f'.repeat(32)}`
const PEER = '2d5348303030312d9f9f9f9f9f9f9f9f9f9f9f9f'

interface Mark {
  readonly target: string
  readonly reason: string
  readonly by: string
  readonly atMs: number
  readonly untilMs?: number | undefined
}

const untilText = ({ untilMs }: Mark, nowMs: number) => (untilMs === undefined ? 'taken back' : ageText(untilMs, nowMs))

const marksTable = (marks: readonly Mark[], nowMs: number) =>
  table(marks, [
    ['TARGET', ({ target }) => target],
    ['SINCE', ({ atMs }) => ageText(atMs, nowMs)],
    ['UNTIL', (mark) => untilText(mark, nowMs)],
    ['BY', ({ by }) => by],
    ['REASON', ({ reason }) => reason],
  ])

export const markText = (mark: Mark & { readonly holds: Holds }, nowMs: number) =>
  fields({
    ...{ target: mark.target, reason: mark.reason, until: untilText(mark, nowMs) },
    holds: holdsText(mark.holds),
  })

export const endText = ({ holds }: { readonly holds: Holds }) => holdsText(holds)

export const markOptions = {
  reason: 'why, for whoever looks next',
  minutes: 'after so many minutes it ends by itself; without it, when it is taken back',
}

/** @throws CONFIG_INVALID */
export function markBody(options: VerbOptions) {
  const { reason } = options
  if (reason === undefined) throw appError('CONFIG_INVALID', { message: 'say why: --reason TEXT' })
  const minutes = numberIn(options, 'minutes')
  return { reason, ...(minutes !== undefined && { minutes }) }
}

/** How a node does as a source; `-` when the tracker does not say it. */
export const healthText = (health: { readonly state: string; readonly why?: string | undefined } | undefined) =>
  health?.why === undefined ? (health?.state ?? '-') : `${health.state}: ${health.why}`

const settingsText = ({
  now,
  policies,
  held = [],
}: {
  readonly held?: readonly string[] | undefined
  readonly now: Readonly<Record<string, unknown>>
  readonly policies: readonly string[]
}) =>
  fields({
    ...Object.fromEntries(Object.entries(now).map(([name, value]) => [name, String(value)])),
    'known policies': policies.join(', '),
    ...(held.length > 0 && { 'held by a manager': held.join(', ') }),
  })

/** `shoal admin tracker VERB`: one entry for each call of the API. */
export const trackerVerbs: VerbsOf<typeof trackerAdmin> = {
  ...ringVerbs,
  ...describeVerb,
  ...fleetVerbs,
  ...steeringVerbs,
  statistics: {
    example: 'statistics',
    show: ({ zones, ...counts }) =>
      fields({
        ...Object.fromEntries(Object.entries(counts).map(([name, count]) => [name, String(count)])),
        zones: Object.entries(zones)
          .map(([zone, hosts]) => `${zone || 'none'} ${hosts}`)
          .join(', '),
      }),
  },
  swarms: {
    example: 'swarms --state starving',
    show: ({ swarms, next }) =>
      table(swarms, [
        ['SWARM', ({ digest, swarmId }) => digest ?? swarmId],
        ['STATE', ({ state }) => state],
        ['DOWNLOADS', ({ downloads }) => String(downloads)],
        ['SEEDS', ({ seeds }) => String(seeds)],
        ['ORIGINS', ({ origins }) => String(origins)],
        ['REPOSITORIES', ({ repositories }) => repositories.join(', ') || '-'],
      ]) + more(next),
  },
  swarm: {
    example: `swarm ${DIGEST}`,
    show: ({ peers, feeds, next, ...swarm }) =>
      [
        fields({
          swarm: swarm.digest ?? swarm.swarmId,
          state: swarm.state,
          downloads: String(swarm.downloads),
          seeds: `${swarm.seeds}, of them ${swarm.origins} origins`,
          repositories: swarm.repositories.join(', ') || '-',
        }),
        table(peers, [
          ['PEER', ({ peerId }) => peerId],
          ['ADDRESS', ({ host, port }) => `${host}:${port}`],
          ['ROLE', ({ role }) => role],
          ['ZONE', ({ zone }) => zone ?? '-'],
          ['MISSING', ({ complete, leftBytes }) => (complete || leftBytes === undefined ? '-' : sizeText(leftBytes))],
          ['HEALTH', ({ health }) => healthText(health)],
        ]),
        table(feeds, [
          ['FROM', ({ from }) => from],
          ['TO', ({ to }) => to],
          ['BYTES', ({ bytes }) => sizeText(bytes)],
          ['RATE', ({ bytesPerSecond }) => rateText(bytesPerSecond)],
          ['FAILURES', ({ failures }) => String(failures)],
        ]),
      ].join('\n\n') + more(next),
  },
  dropSwarm: { example: `drop-swarm ${DIGEST}`, note: 'What nodes have completely stays known.' },
  hosts: {
    example: 'hosts --zone cn-beijing-a',
    show: ({ hosts, next }, nowMs) =>
      table(hosts, [
        ['PEER', ({ peerId }) => peerId],
        ['ADDRESS', ({ host, port }) => `${host}:${port}`],
        ['ROLE', ({ role }) => role],
        ['ZONE', ({ zone }) => zone ?? '-'],
        ['DOWNLOADS', ({ downloads }) => String(downloads)],
        ['SEEDS', ({ seeds }) => String(seeds)],
        ['IN', ({ bytesPerSecond }) => rateText(bytesPerSecond.in)],
        ['OUT', ({ bytesPerSecond }) => rateText(bytesPerSecond.out)],
        ['SEEN', ({ seenAtMs }) => ageText(seenAtMs, nowMs)],
        ['STATE', ({ ban, drain }) => [ban && 'banned', drain && 'draining'].filter(Boolean).join(', ') || '-'],
        ['HEALTH', ({ health }) => healthText(health)],
      ]) + more(next),
  },
  host: {
    example: `host ${PEER}`,
    show: (host, nowMs) =>
      [
        fields({
          peer: host.peerId,
          address: `${host.host}:${host.port}`,
          role: host.role,
          zone: host.zone ?? '-',
          labels: Object.entries(host.labels ?? {})
            .map(([name, value]) => `${name}=${value}`)
            .join(', '),
          spare: host.spareBytesPerSecond === undefined ? '-' : rateText(host.spareBytesPerSecond),
          rates: `${rateText(host.bytesPerSecond.in)} in, ${rateText(host.bytesPerSecond.out)} out`,
          seen: ageText(host.seenAtMs, nowMs),
          health: healthText(host.health),
          banned: host.ban?.reason ?? '-',
          draining: host.drain?.reason ?? '-',
        }),
        table(host.blobs, [
          ['BLOB', ({ digest, swarmId }) => digest ?? swarmId],
          ['STATE', ({ complete }) => (complete ? 'complete' : 'downloading')],
        ]),
      ].join('\n\n') + more(host.next),
  },
  hostPulls: {
    example: `host-pulls ${PEER} --slowerThan 5000`,
    show: ({ pulls, next }, nowMs) => pullTable(pulls, nowMs) + more(next),
  },
  hostPull: { example: `host-pull ${PEER} 3f2a9c-17`, show: (pull) => explainText(pull) },
  bans: { example: 'bans', show: ({ marks, next }, nowMs) => marksTable(marks, nowMs) + more(next) },
  ban: {
    example: `ban ${PEER} --reason "sends wrong bytes" --minutes 60`,
    note: 'The trackers tell each other.',
    options: markOptions,
    body: markBody,
    show: markText,
  },
  unban: { example: `unban ${PEER}`, show: endText },
  drains: { example: 'drains', show: ({ marks, next }, nowMs) => marksTable(marks, nowMs) + more(next) },
  drain: {
    example: 'drain 10.0.0.7 --reason "is replaced today"',
    note: 'The trackers tell each other.',
    options: markOptions,
    body: markBody,
    show: markText,
  },
  undrain: { example: 'undrain 10.0.0.7', show: endText },
  settings: { example: 'settings', show: settingsText },
  set: {
    example: 'set --policy completeness --perSecond 500',
    note: 'What is not given is as in the config again.',
    options: {
      policy: 'the order in which peers are named',
      perSecond: 'announces that this tracker accepts per second',
      minIntervalMs: 'shortest announce interval, in milliseconds',
      maxIntervalMs: 'longest announce interval, in milliseconds',
    },
    body(options) {
      const { policy } = options
      const numbers = ['perSecond', 'minIntervalMs', 'maxIntervalMs'].flatMap((name) => {
        const value = numberIn(options, name)
        return value === undefined ? [] : [[name, value] as const]
      })
      return { ...(policy !== undefined && { policy }), ...Object.fromEntries(numbers) }
    },
    show: ({ holds, ...rest }) => `${settingsText(rest)}\n\n${holdsText(holds)}`,
  },
  events: {
    example: 'events --kinds ban,drain',
    note: 'One line for each event, until you end it.',
    show: (event) => JSON.stringify(event),
  },
}
