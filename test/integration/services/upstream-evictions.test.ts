import { expect, test } from '@jest/globals'
import { digestOf } from '../../../lib/core/index.ts'
import { cipherBytes } from '../../kit/cipher-bytes.ts'
import { eventually } from '../../kit/eventually.ts'
import { reset } from '../../kit/http-faults.ts'
import { pushBlobOf } from '../../kit/pushed-blob.ts'
import { upstreamLab } from '../../kit/upstream-lab.ts'

const MIB = 1024 * 1024

test('blobs of a registry that is down make room for pushes', async () => {
  await using lab = await upstreamLab({ overrides: ['origin.store.capacity=32MiB'] })
  for (const name of ['first', 'second']) {
    const bytes = cipherBytes(name, 20 * MIB)
    await lab.upstream.pushBlob('team/app', digestOf(bytes), bytes)
    const path = `/v2/${lab.host}/team/app/blobs/${digestOf(bytes)}`
    const { status, body } = await lab.agent.send('GET', path)
    expect([status, body.length]).toEqual([200, bytes.length])
  }
  lab.front.faults.next({ times: Number.POSITIVE_INFINITY }, reset())
  // A push that comes while an origin still checks what it has brought is refused, to be repeated.
  const pushed = await eventually(() => pushBlobOf(lab.topology, 'team/third', 16 * MIB))
  expect((await lab.agent.send('GET', pushed.path)).status).toBe(200)
  for (const origin of ['origin-1', 'origin-2']) {
    // What an agent pulls is whole at the origin that reads it; another one may have a part.
    const evicted = (kind: string) => lab.topology.counter(origin, 'shoal_store_evictions_total', `kind="${kind}"`)
    expect([origin, (await evicted('blob')) + (await evicted('partial'))]).toEqual([origin, 1])
  }
})
