import { buffer } from 'node:stream/consumers'
import { expect, test } from '@jest/globals'
import { seededRandom, systemClock } from '../../../../lib/base/index.ts'
import { newPeerId } from '../../../../lib/core/index.ts'
import { memoryStore } from '../../../../lib/store/index.ts'
import { swarmEngine } from '../../../../lib/swarm/index.ts'
import { recordingMetrics, silentLogger } from '../../../../lib/telemetry/index.ts'
import { swarmBlob } from '../../../kit/swarm-blob.ts'
import { swarmSources } from '../../../kit/swarm-sources.ts'

test('a blob is pulled over HTTP when there are no peers', async () => {
  const clock = systemClock()
  const random = seededRandom(1)
  const logger = silentLogger()
  const blob = swarmBlob(1, 5_500_000)
  const sources = swarmSources([blob])
  const store = memoryStore({ clock, random, logger }, { capacityBytes: 1e9 })
  await store.start()
  const engine = swarmEngine(
    {
      clock,
      random,
      logger,
      metrics: recordingMetrics(),
      store,
      announcer: { announce: async () => [] },
      metainfo: sources.metainfo,
      pieces: sources.pieces,
    },
    { peerId: newPeerId(random), role: 'agent', listen: { host: '127.0.0.1', port: 0 } },
  )
  await engine.start()
  const handle = await engine.open({ digest: blob.digest, namespace: 'a' })
  const got = await buffer(handle.read())
  expect(Buffer.compare(got, blob.bytes)).toBe(0)
  handle.close()
  await engine.stop()
  await store.stop()
})
