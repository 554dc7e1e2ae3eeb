import type { agentAdmin } from '../../../lib/api/index.ts'
import { describeVerb, ringVerbs } from './shared-verbs.ts'
import { ageText, sizeText, table } from './sheet.ts'
import type { VerbsOf } from './verb.ts'

/** `shoal admin agent VERB`: one entry for each call of the API. */
export const agentVerbs: VerbsOf<typeof agentAdmin> = {
  ...ringVerbs,
  ...describeVerb,
  blobs: {
    example: 'blobs',
    show: ({ usedBytes, blobs }, nowMs) =>
      `${table(blobs, [
        ['DIGEST', ({ digest }) => digest],
        ['SIZE', ({ size }) => sizeText(size)],
        ['USED', ({ usedAtMs }) => ageText(usedAtMs, nowMs)],
      ])}\n\n${sizeText(usedBytes)} used`,
  },
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
