import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { type ContainerTools, containerTools, hostsToml, startContainerd } from '../kit/clients/index.ts'
import { digestsOf, layeredImage, makeImage } from '../kit/images/index.ts'
import { resourceStack } from '../kit/resource-stack.ts'
import { startTopology, type Topology } from '../kit/topology.ts'

/** Programs that read parts of layers, where somebody has them: Debian 12 has none of them. */
const stack = resourceStack()
let shoal: Topology
let tools: ContainerTools

beforeAll(async () => {
  tools = stack.own(await containerTools())
  shoal = stack.own(await startTopology({ agents: 1, origins: 1, trackers: 1, processes: [] }))
}, 120_000)

afterAll(async () => stack[Symbol.asyncDispose]())

const hostOf = (id: string) => new URL(shoal.url(id, 'registry')).host

const parallel = `
[plugins."io.containerd.transfer.v1.local"]
max_concurrent_downloads = 3
concurrent_layer_fetch_buffer = 8388608
`
test('p', async () => {
  const containerd = stack.own(await startContainerd({ more: parallel }))
  const image = await makeImage(join(tools.folder, 'image'), layeredImage({ largeBytes: 40_000_000, seed: 'parallel' }))
  await tools.skopeo(['copy', '--preserve-digests', image.reference, `docker://${hostOf('proxy-1')}/team/app:t1`])
  const hostsDir = join(tools.folder, 'hosts')
  await hostsToml(hostsDir, { host: hostOf('proxy-1'), server: 'http://127.0.0.1:1', hosts: [{ url: `http://${hostOf('agent-1')}` }] })
  const pulled = await containerd.pull(`${hostOf('proxy-1')}/team/app:t1`, { hostsDir })
  expect(pulled.digest).toBe(image.digest)
  console.log(await containerd.contentDigests(), await digestsOf(image.folder))
  console.log(await shoal.counter('agent-1', 'shoal_sent_bytes_total', 'to="client"'), await shoal.counter('agent-1', 'shoal_received_bytes_total', 'from="origin"'))
  console.log(await (await fetch(`${shoal.url('agent-1', 'admin')}/pulls`)).text())
}, 120_000)
