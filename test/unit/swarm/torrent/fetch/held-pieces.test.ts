import { expect, test } from '@jest/globals'
import { seededRandom } from '../../../../../lib/base/index.ts'
import { downloadLab } from '../../../../kit/download-lab.ts'
import { swarmBlob } from '../../../../kit/swarm-blob.ts'

const MIB = 1024 * 1024
const PIECES = [0, 1, 2, 3]

test("what an agent gives and what is not asked for yet waits with others for the node's own rate", async () => {
  const lab = downloadLab(swarmBlob(1, 4 * MIB, MIB), seededRandom(1), 1_000)
  const peer = lab.join('a', { has: [0, 1, 2] })
  await lab.pass(0)
  lab.give(peer.open[0])
  await lab.pass(0)
  const sent = new Set(peer.requests.map(({ block }) => block.piece))
  expect(sent.size).toBe(1)
  expect(PIECES.filter((piece) => lab.download.isHeld(piece))).toEqual([0, 1, 2].filter((piece) => !sent.has(piece)))
})
