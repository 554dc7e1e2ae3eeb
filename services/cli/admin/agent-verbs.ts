import type { agentAdmin } from '../../../lib/api/index.ts'
import { explainText, pullTable } from '../explain/words.ts'
import { describeVerb, ringVerbs, settingsVerbs } from './shared-verbs.ts'
import { ageText, sizeText, table } from './sheet.ts'
import type { VerbsOf } from './verb.ts'

const leaveText = ({ state }: { readonly state: string }) => `state: ${state}`

/** `shoal admin agent VERB`: one entry for each call of the API. */
export const agentVerbs: VerbsOf<typeof agentAdmin> = {
  ...ringVerbs,
  ...describeVerb,
  ...settingsVerbs,
  blobs: {
    example: 'blobs',
    show: ({ usedBytes, blobs, partials }, nowMs) =>
      [
        table(blobs, [
          ['DIGEST', ({ digest }) => digest],
          ['SIZE', ({ size }) => sizeText(size)],
          ['USED', ({ usedAtMs }) => ageText(usedAtMs, nowMs)],
        ]),
        ...(partials.length === 0 ? [] : [partialTable(partials)]),
        `${sizeText(usedBytes)} used`,
      ].join('\n\n'),
  },
  pulls: {
    example: 'pulls --slowerThan 5000',
    note: 'shoal explain says of an image, a digest or a pull why it was slow.',
    show: ({ pulls, next }, nowMs) =>
      `${pullTable(pulls, nowMs)}${next === undefined ? '' : `\n\nthe next page: --last ${next}`}`,
  },
  pull: { example: 'pull 3f2a9c-17', show: (pull) => explainText(pull) },
  drain: { example: 'drain', show: leaveText },
  leave: {
    example: 'leave',
    note: 'It is not ready from now on, and serves on. After leave.after its answers close the connections of its clients.',
    show: leaveText,
  },
  stay: { example: 'stay', show: leaveText },
  swarms: {
    example: 'swarms',
    show: (torrents) =>
      table(torrents, [
        ['DIGEST', ({ digest }) => digest],
        ['MISSING', ({ complete, leftBytes }) => (complete ? '-' : sizeText(leftBytes))],
        ['PEERS', ({ peers }) => String(peers.length)],
        ['FROM PEERS', ({ peers }) => sizeText(peers.reduce((sum, peer) => sum + peer.receivedBytes, 0))],
        ['TO PEERS', ({ peers }) => sizeText(peers.reduce((sum, peer) => sum + peer.sentBytes, 0))],
      ]),
  },
}

interface PartialRow {
  readonly digest: string
  readonly size: number
  readonly heldBytes: number
}

function partialTable(partials: readonly PartialRow[]): string {
  return table(partials, [
    ['IN PART', ({ digest }) => digest],
    ['HELD', ({ heldBytes }) => sizeText(heldBytes)],
    ['OF', ({ size }) => sizeText(size)],
  ])
}
