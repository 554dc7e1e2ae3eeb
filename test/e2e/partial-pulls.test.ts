import { appendFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { type ContainerTools, containerTools, stacksOverlays } from '../kit/clients/index.ts'
import { digestFiles, fileDigests, makeImage, type RandomLayer, readDigests } from '../kit/images/index.ts'
import { resourceStack } from '../kit/resource-stack.ts'
import { startTopology, type Topology } from '../kit/topology.ts'

/**
 * podman with `enable_partial_images`, which asks for those files of a layer that it lacks, in one request with a range
 * for each gap. It does so on overlays only.
 */
const onOverlays = await stacksOverlays(tmpdir())
if (!onOverlays) process.stdout.write('skipped: podman stacks no overlays here, so it pulls no parts of layers\n')
const whereItPullsParts = onOverlays ? test : test.skip

const stack = resourceStack()
let shoal: Topology
let podman: ContainerTools['podman']
let agent: string

/** Of each version some files are others than in the first. */
const versions = {
  v1: () => false,
  v2: (at: number) => [17, 160, 301].includes(at),
  v3: (at: number) => at % 2 === 1,
}
type Version = keyof typeof versions

const sizeBytes = 12_000
const filesOf = (version: Version): RandomLayer[] =>
  Array.from({ length: 320 }, (_, at) => ({ seed: `${at}-${versions[version](at) ? version : 'v1'}`, sizeBytes }))
const layerBytes = 320 * sizeBytes

beforeAll(async () => {
  if (!onOverlays) return
  const tools = stack.own(await containerTools())
  podman = tools.podman
  const { CONTAINERS_STORAGE_CONF: settings = '' } = tools.env
  await appendFile(settings, '[storage.options]\npull_options = { enable_partial_images = "true" }\n')
  shoal = stack.own(await startTopology({ agents: 1, origins: 1, trackers: 1, processes: [] }))
  agent = new URL(shoal.url('agent-1', 'registry')).host
  const proxy = new URL(shoal.url('proxy-1', 'registry')).host
  for (const version of Object.keys(versions) as Version[]) {
    const layers = [{ files: filesOf(version) }]
    const { reference } = await makeImage(join(tools.folder, version), { layers, compression: 'none' })
    const target = `docker://${proxy}/team/app:${version}`
    await tools.skopeo(['copy', '--dest-compress-format', 'zstd:chunked', reference, target])
  }
})

afterAll(async () => stack[Symbol.asyncDispose]())

/** How many bytes of blobs the agent gave while podman pulled. */
async function pull(version: Version): Promise<number> {
  const given = () => shoal.counter('agent-1', 'shoal_sent_bytes_total', 'to="client"')
  const before = await given()
  await podman(['pull', `${agent}/team/app:${version}`])
  return (await given()) - before
}

/** The digest of each file, by its name, as a container sees them. */
async function filesIn(version: Version): Promise<Record<string, string>> {
  const name = `${agent}/team/app:${version}`
  return readDigests((await podman(['run', '--rm', '--network', 'none', name, ...digestFiles])).stdout)
}

whereItPullsParts(
  'podman gets from the agent only what is new in a layer: three files of 320, then every second one',
  async () => {
    expect(await pull('v1')).toBeGreaterThan(layerBytes)
    const fetched = await shoal.counter('agent-1', 'shoal_received_bytes_total', 'from="origin"')
    expect(await pull('v2')).toBeLessThan(0.05 * layerBytes)
    // The agent itself fetches the pieces in which the new files and the table of the layer are, not the layer.
    const update = (await shoal.counter('agent-1', 'shoal_received_bytes_total', 'from="origin"')) - fetched
    expect(update).toBeLessThan(0.5 * layerBytes)
    const half = await pull('v3')
    expect(half).toBeGreaterThan(0.5 * layerBytes)
    expect(half).toBeLessThan(0.6 * layerBytes)
    for (const version of ['v2', 'v3'] as const) expect(await filesIn(version)).toEqual(fileDigests(filesOf(version)))
  },
)
