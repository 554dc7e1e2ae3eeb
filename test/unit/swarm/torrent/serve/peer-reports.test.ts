import { expect, test } from '@jest/globals'
import { seededRandom } from '../../../../../lib/base/index.ts'
import { newPeerId } from '../../../../../lib/core/index.ts'
import { peerReports } from '../../../../../lib/swarm/torrent/serve/peer-reports.ts'
import { conducts } from '../../../../../lib/swarm/torrent/shared/conducts.ts'

const random = seededRandom(1)
const KIB = 1024
const stats = (receivedBytes: number) => ({ stats: { receivedBytes, sentBytes: 0 } })

function lab() {
  const noted = conducts()
  return { noted, reports: peerReports(noted), peer: newPeerId(random), other: newPeerId(random) }
}

test('a peer that could not be reached is reported, though it is not there, and only once', () => {
  const { noted, reports, peer } = lab()
  noted.late(peer)
  noted.late(peer)
  const failed = { peerId: peer, receivedBytes: 0, sentBytes: 0, failures: 2, costMs: 0 }
  expect(reports.take([])).toEqual([failed])
  expect(reports.take([])).toEqual([])
})

test('whatever a liar gave counts as failed, also when it has gone and is found out later', () => {
  const { noted, reports, peer, other } = lab()
  noted.gave(peer, 30)
  noted.lied(peer)
  reports.part(peer, stats(100 * KIB))
  reports.part(other, stats(100 * KIB))
  const gone = { sentBytes: 0, receivedBytes: 100 * KIB }
  expect(reports.take([])).toEqual([
    { peerId: peer, ...gone, failures: 7, costMs: 30 },
    { peerId: other, ...gone, failures: 0, costMs: 0 },
  ])
  noted.lied(other)
  expect(reports.take([])).toMatchObject([{ peerId: other, failures: 1 }])
})

test('notes of very many peers that nobody reaches stay bounded', () => {
  const { noted } = lab()
  for (let i = 0; i < 3000; i += 1) noted.late(newPeerId(random))
  expect(noted.ids()).toHaveLength(1000)
})
