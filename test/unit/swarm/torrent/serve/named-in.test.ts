import { expect, test } from '@jest/globals'
import type { PeerConnection } from '../../../../../lib/swarm/peer/index.ts'
import { namedIn } from '../../../../../lib/swarm/torrent/serve/named-in.ts'
import { scriptedPeer } from '../../../../kit/scripted-peer.ts'

function connection(zone: string | undefined, listenPort: number | undefined = 7): PeerConnection {
  const { connection: made } = scriptedPeer('a', { pieces: 1 })
  return { ...made, remoteHave: made.remoteHave, hello: { ...made.hello, zone, listenPort } }
}

test.each<readonly [string, string | undefined, string | undefined, number]>([
  ['of the same zone', 'a', 'a', 1],
  ['of another zone', 'a', 'b', 0],
  ['that says no zone to one that does', undefined, 'a', 0],
  ['where nobody says a zone', undefined, undefined, 1],
])('a peer is named to one %s', (_name, zone, other, expected) => {
  expect(namedIn(other, connection(zone))).toHaveLength(expected)
})

test('a peer that cannot be dialled is not named', () => {
  const { hello } = connection('a')
  expect(namedIn('a', { ...connection('a'), hello: { ...hello, listenPort: undefined } })).toEqual([])
})
