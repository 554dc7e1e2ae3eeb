import { expect, test } from '@jest/globals'
import { adminClient, originAdmin } from '../../../lib/api/index.ts'
import { digestOf } from '../../../lib/core/index.ts'
import { cipherBytes } from '../../kit/cipher-bytes.ts'
import { eventually } from '../../kit/eventually.ts'
import { reset } from '../../kit/http-faults.ts'
import { pushBlobOf } from '../../kit/pushed-blob.ts'
import { disposableHttp } from '../../kit/scripted-server.ts'
import { upstreamLab } from '../../kit/upstream-lab.ts'

const MIB = 1024 * 1024
const ORIGINS = ['origin-1', 'origin-2']

test('blobs of a registry that is down make room for pushes', async () => {
  await using lab = await upstreamLab({ overrides: ['origin.store.capacity=32MiB'] })
  for (const name of ['first', 'second']) {
    const bytes = cipherBytes(name, 20 * MIB)
    await lab.upstream.pushBlob('team/app', digestOf(bytes), bytes)
    const path = `/v2/${lab.host}/team/app/blobs/${digestOf(bytes)}`
    const { status, body } = await lab.agent.send('GET', path)
    expect([status, body.length]).toEqual([200, bytes.length])
  }
  // An origin checks what it has brought after the agent has it: until then it has no room, and its copy of a push fails.
  await using http = disposableHttp()
  for (const origin of ORIGINS) {
    const { blobs } = adminClient(http, lab.topology.url(origin, 'admin'), originAdmin)
    await eventually(async () => expect((await blobs({})).blobs).toMatchObject([{ size: 20 * MIB, holds: [] }]))
  }
  lab.front.faults.next({ times: Number.POSITIVE_INFINITY }, reset())
  const pushed = await pushBlobOf(lab.topology, 'team/third', 16 * MIB)
  expect((await lab.agent.send('GET', pushed.path)).status).toBe(200)
  for (const origin of ORIGINS) {
    const evicted = lab.topology.counter(origin, 'shoal_store_evictions_total', 'kind="blob"')
    expect([origin, await evicted]).toEqual([origin, 1])
  }
})
