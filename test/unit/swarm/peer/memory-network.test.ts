import { expect, test } from '@jest/globals'
import { deferred } from '../../../../lib/base/index.ts'
import { memoryNetwork } from '../../../../lib/swarm/peer/index.ts'
import type { ByteChannel } from '../../../../lib/swarm/wire/index.ts'

test('a channel in memory gives what was written, also when that memory has changed since it left', async () => {
  const network = memoryNetwork()
  const accepted = deferred<ByteChannel>()
  const listener = await network.host('10.0.0.1').listen({ host: '10.0.0.1', port: 0 }, accepted.resolve)
  const dialled = await network.host('10.0.0.2').dial(listener.address)
  const theirs = await accepted.promise

  const bytes = Uint8Array.of(1, 2, 3)
  const left = deferred()
  dialled.write(bytes, left.resolve)
  await left.promise
  bytes.fill(0)

  const seen = deferred<number[]>()
  theirs.read({ onBytes: (chunk) => seen.resolve([...chunk]), onClose: () => undefined })
  expect(await seen.promise).toEqual([1, 2, 3])
  dialled.destroy()
})
