import { expect, test } from '@jest/globals'
import { digestOf } from '../../lib/core/index.ts'
import { eventually } from '../kit/eventually.ts'
import { registryClient } from '../kit/registry-client.ts'
import { startTopology } from '../kit/topology.ts'

const ours = 'application/vnd.example.ours.v1+json'
const theirs = 'application/vnd.example.theirs.v1+json'

test('who pushes the bytes of a manifest elsewhere, as another type, changes nothing about ours', async () => {
  await using shoal = await startTopology({ agents: 1, origins: 1, trackers: 1, processes: [] })
  // Beyond 64 KiB, so that it lies in the agent's store as a blob of its own.
  const bytes = Buffer.from(JSON.stringify({ text: 'x'.repeat(70_000) }))
  const digest = digestOf(bytes)
  const proxy = registryClient(shoal.url('proxy-1', 'registry'))
  const agent = registryClient(shoal.url('agent-1', 'registry'))
  const push = (name: string, type: string) =>
    proxy.send('PUT', `/v2/${name}/manifests/t`, { body: bytes, headers: { 'content-type': type } })
  const pull = async (name: string, reference: string = digest) => {
    const { status, headers } = await agent.send('GET', `/v2/${name}/manifests/${reference}`)
    return status === 200 ? headers['content-type'] : status
  }
  expect((await push('evil/x', theirs)).status).toBe(201)
  expect((await push('team/mine', ours)).status).toBe(201)

  expect(await pull('evil/x', 't')).toBe(theirs)
  await eventually(async () => {
    const { blobs } = (await (await fetch(`${shoal.url('agent-1', 'admin')}/blobs`)).json()) as { blobs: unknown[] }
    expect(blobs).toHaveLength(1)
  })
  expect(await pull('evil/x')).toBe(theirs)
  expect(await pull('team/mine')).toBe(ours)
  expect(await pull('nobody/there')).toBe(404)

  await Promise.all(['build-index-1', 'build-index-2'].map((id) => shoal.stop(id)))
  expect(await pull('evil/x')).toBe(theirs)
  expect(await pull('team/mine')).toBe(ours)
})
