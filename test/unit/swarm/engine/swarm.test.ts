import { expect, test } from '@jest/globals'
import { swarmBlob } from '../../../kit/swarm-blob.ts'
import { swarmLab } from '../../../kit/swarm-lab.ts'

const MIB = 1024 * 1024

test('one agent pulls from an origin', async () => {
  const blob = swarmBlob(1, 20 * MIB + 5)
  await using lab = swarmLab([blob])
  await lab.origin()
  const agent = await lab.agent()
  const got = await lab.run(agent.pull(blob))
  expect(Buffer.compare(got, blob.bytes)).toBe(0)
})

test('three cold agents share what they take from limited origins', async () => {
  const blob = swarmBlob(1, 64 * MIB)
  await using lab = swarmLab([blob])
  const limit = { uploadBytesPerSecond: 20e6 }
  const _origins = [await lab.origin(limit), await lab.origin(limit)]
  const agents = [await lab.agent(), await lab.agent(), await lab.agent()]
  const got = await lab.run(Promise.all(agents.map((agent) => agent.pull(blob))))
  for (const bytes of got) expect(Buffer.compare(bytes, blob.bytes)).toBe(0)
})
