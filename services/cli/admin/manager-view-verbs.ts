import type { viewCalls } from '../../../lib/api/index.ts'
import { explainText, pullTable } from '../explain/words.ts'
import { referrerTable } from './referrer-table.ts'
import { ageText, fields, rateText, sizeText, table } from './sheet.ts'
import { endText, healthText, markBody, markOptions, markText } from './tracker-verbs.ts'
import type { VerbsOf } from './verb.ts'

const DIGEST = `sha256:${'9f'.repeat(32)}`
const PEER = '2d5348303030312d9f9f9f9f9f9f9f9f9f9f9f9f'

const more = (next: string | undefined) => (next === undefined ? '' : `\n\nmore: --last ${next}`)

const silentText = (silent: readonly { readonly cluster: string; readonly code: string }[]) =>
  silent.length === 0 ? '' : `\n\nnot asked: ${silent.map(({ cluster, code }) => `${cluster} (${code})`).join(', ')}`

const measured = (value: number | undefined, write: (value: number) => string) =>
  value === undefined ? '-' : write(value)

/** What the clusters of a manager know now. */
export const managerViewVerbs: VerbsOf<typeof viewCalls> = {
  overview: {
    example: 'overview',
    show({ clusters, samples }) {
      const last = samples.at(-1)
      return [
        table(clusters, [
          ['CLUSTER', ({ cluster }) => cluster],
          ['STATE', ({ away }) => (away ? 'away' : 'ok')],
          ['TRACKERS', ({ trackers }) => String(trackers)],
          ['NODES', ({ hosts }) => String(hosts)],
          ['SWARMS', ({ swarms }) => String(swarms)],
          ['DOWNLOADS', ({ downloads }) => String(downloads)],
          ['COPIES', ({ copies }) => String(copies)],
        ]),
        fields({
          'finished per minute': measured(last?.finishedPerMinute, String),
          'pulled by nodes': measured(last?.pulledPerSecond, rateText),
          'sent by origins': measured(last?.originsPerSecond, rateText),
          'read from backends': measured(last?.backendPerSecond, rateText),
        }),
      ].join('\n\n')
    },
  },
  swarms: {
    example: 'swarms --state starving',
    show: ({ swarms, next, silent }) =>
      table(swarms, [
        ['CLUSTER', ({ cluster }) => cluster],
        ['SWARM', ({ digest, swarmId }) => digest ?? swarmId],
        ['STATE', ({ state }) => state],
        ['DOWNLOADS', ({ downloads }) => String(downloads)],
        ['SEEDS', ({ seeds }) => String(seeds)],
        ['REPOSITORIES', ({ repositories }) => repositories.join(', ') || '-'],
      ]) +
      silentText(silent) +
      more(next),
  },
  swarm: {
    example: `swarm east ${DIGEST}`,
    show: ({ swarm, peers, feeds, cut }) =>
      [
        fields({
          swarm: swarm.digest ?? swarm.swarmId,
          state: swarm.state,
          downloads: String(swarm.downloads),
          seeds: `${swarm.seeds}, of them ${swarm.origins} origins`,
        }),
        table(peers, [
          ['PEER', ({ peerId }) => peerId],
          ['ADDRESS', ({ host, port }) => `${host}:${port}`],
          ['ROLE', ({ role }) => role],
          ['ZONE', ({ zone }) => zone ?? '-'],
          ['MISSING', ({ complete, leftBytes }) => (complete || leftBytes === undefined ? '-' : sizeText(leftBytes))],
        ]),
        table(feeds, [
          ['FROM', ({ from }) => from],
          ['TO', ({ to }) => to],
          ['RATE', ({ bytesPerSecond }) => rateText(bytesPerSecond)],
          ['FAILURES', ({ failures }) => String(failures)],
        ]),
        ...(cut ? ['there are more peers'] : []),
      ].join('\n\n'),
  },
  swarmEvents: { example: `swarm-events east ${DIGEST}`, show: (event) => JSON.stringify(event) },
  images: {
    example: 'images --text team/',
    show: ({ repositories, next, silent }) =>
      table(repositories, [
        ['REPOSITORY', ({ repository }) => repository],
        ['CLUSTERS', ({ clusters }) => clusters.join(', ')],
      ]) +
      silentText(silent) +
      more(next),
  },
  image: {
    example: 'image team/app',
    show: ({ clusters }) =>
      clusters
        .map(({ cluster, code, tags, blobs, replications }) =>
          [
            code === undefined ? cluster : `${cluster}: ${code}`,
            table(tags, [
              ['TAG', ({ tag }) => tag],
              ['DIGEST', ({ digest }) => digest],
            ]),
            table(blobs, [
              ['BLOB', ({ digest, swarmId }) => digest ?? swarmId],
              ['COPIES', ({ seeds }) => String(seeds)],
              ['DOWNLOADS', ({ downloads }) => String(downloads)],
            ]),
            table(replications, [
              ['REMOTE', ({ remote }) => remote],
              ['TAG', ({ tag }) => tag],
              ['STATE', ({ state }) => state],
            ]),
          ].join('\n'),
        )
        .join('\n\n'),
  },
  imageContent: {
    example: 'image-content team/app --reference 1.0',
    show: ({ clusters }) =>
      clusters
        .map(({ cluster, code, content, referrers, besides }) =>
          [
            code === undefined ? `${cluster}: ${content?.digest ?? '-'}` : `${cluster}: ${code}`,
            table(content?.items ?? [], [
              ['DIGEST', ({ digest }) => digest],
              ['SIZE', ({ size }) => (size === undefined ? '-' : sizeText(size))],
              ['TYPE', ({ mediaType }) => mediaType ?? 'blob'],
            ]),
            referrerTable(referrers),
            ...(besides.length === 0 ? [] : [`besides: ${besides.join(', ')}`]),
          ].join('\n\n'),
        )
        .join('\n\n'),
  },
  deleteTag: { example: 'delete-tag east team/app 1.0' },
  nodePulls: {
    example: `node-pulls east ${PEER} --slowerThan 5000`,
    show: ({ pulls, next }, nowMs) => pullTable(pulls, nowMs) + more(next),
  },
  nodePull: { example: `node-pull east ${PEER} 3f2a9c-17`, show: (pull) => explainText(pull) },
  node: {
    example: `node east ${PEER}`,
    show: (host, nowMs) =>
      [
        fields({
          address: `${host.host}:${host.port}`,
          role: host.role,
          zone: host.zone ?? '-',
          health: healthText(host.health),
          in: rateText(host.bytesPerSecond.in),
          out: rateText(host.bytesPerSecond.out),
          seen: ageText(host.seenAtMs, nowMs),
          ban: host.ban?.reason ?? '-',
          drain: host.drain?.reason ?? '-',
        }),
        table(host.blobs, [
          ['BLOB', ({ digest, swarmId }) => digest ?? swarmId],
          ['WHOLE', ({ complete }) => (complete ? 'yes' : 'no')],
        ]),
      ].join('\n\n') + more(host.next),
  },
  banNode: {
    example: `ban-node east ${PEER} --reason "wrong bytes"`,
    options: markOptions,
    body: markBody,
    show: markText,
  },
  unbanNode: { example: `unban-node east ${PEER}`, show: endText },
  drainNode: {
    example: `drain-node east ${PEER} --reason "new disk"`,
    options: markOptions,
    body: markBody,
    show: markText,
  },
  undrainNode: { example: `undrain-node east ${PEER}`, show: endText },
}
