import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { MachineFiles } from '../../services/cli/setup/machine-files.ts'
import { setupRequest } from '../../services/cli/setup/request.ts'
import { STARGZ_CONFIG, stargz } from '../../services/cli/setup/stargz.ts'
import {
  type ContainerTools,
  containerTools,
  hostsToml,
  isInstalled,
  type Stargz,
  startStargz,
} from '../kit/clients/index.ts'
import { digestFiles, fileDigests, makeImage, readDigests } from '../kit/images/index.ts'
import { startTopology, type Topology } from '../kit/topology.ts'

/** The daemon of stargz, where somebody has it on the path: Debian has only ctr-remote. */
const hasStargz = ['containerd-stargz-grpc', 'ctr-remote'].every((program) => isInstalled(program))
if (!hasStargz) process.stdout.write('skipped: no containerd-stargz-grpc and ctr-remote are on the path\n')
const withStargz = hasStargz ? test : test.skip

/** The name of the cluster's registry in the names of images; nobody has it at an address. */
const NAME = 'registry.example'
const files = Array.from({ length: 40 }, (_, at) => ({
  seed: `stargz-${at}`,
  sizeBytes: at === 7 ? 9_000_001 : 1_000 + at * 999,
}))

/** Made by hand on that machine: without it, the daemon takes all of a layer some seconds after its mount. */
const before = 'no_background_fetch = true\n'

/** What `shoal setup stargz` makes of that. */
async function setUp(agent: string, folder: string): Promise<string> {
  const machine = new MachineFiles(folder)
  await machine.write(STARGZ_CONFIG, Buffer.from(before))
  const [planned] = (await stargz.plan(setupRequest({ own: [NAME], agent }), machine)).files
  return planned?.after ?? ''
}

interface Blob {
  readonly digest: string
  readonly size: number
}

interface Manifest {
  readonly config: Blob
  readonly layers: readonly Blob[]
}

/** Pushes the image in the form for lazy readers; then no origin has it. Returns its layer, and how many bytes it has in all. */
async function pushImage(shoal: Topology, tools: ContainerTools, { containerd, ctrRemote }: Stargz) {
  const proxy = new URL(shoal.url('proxy-1', 'registry')).host
  const [plain, lazy] = [`${proxy}/team/app:plain`, `${proxy}/team/app:lazy`]
  const image = await makeImage(join(tools.folder, 'image'), { layers: [{ files }], cmd: digestFiles })
  await tools.skopeo(['copy', image.reference, `docker://${plain}`])
  await containerd.ctr(['content', 'fetch', '--plain-http', plain])
  await ctrRemote(['images', 'convert', '--estargz', '--oci', plain, lazy])
  await containerd.ctr(['images', 'push', '--plain-http', lazy])
  for (const name of [plain, lazy]) await containerd.removeImage(name)
  await shoal.stop('origin-1')
  await rm(join(shoal.data, 'origin-1'), { recursive: true })
  await shoal.start('origin-1')
  const headers = { accept: 'application/vnd.oci.image.manifest.v1+json' }
  const answer = await fetch(`${shoal.url('agent-1', 'registry')}/v2/team/app/manifests/lazy?ns=${NAME}`, { headers })
  const manifest = await answer.text()
  const { config, layers } = JSON.parse(manifest) as Manifest
  const [layer, ...others] = layers
  if (layer === undefined || others.length > 0) throw new Error('the image has not one layer')
  return { layer, bytes: layer.size + config.size + manifest.length }
}

withStargz(
  'stargz, as the set-up leads it to an agent that has nothing, mounts a layer at once, reads all files right, and takes each byte from the store once',
  async () => {
    await using tools = await containerTools()
    await using shoal = await startTopology({
      ...{ agents: 1, origins: 1, trackers: 1, processes: [] },
      // As beside mirrors of other registries: who does not say which one he means gets nothing.
      overrides: [`agent.registry.ownNames=["${NAME}"]`, 'agent.registry.default=none'],
    })
    const agent = shoal.url('agent-1', 'registry')
    await using snapshots = await startStargz(await setUp(agent, join(tools.folder, 'machine')))
    const { containerd, ctrRemote } = snapshots
    const { layer, bytes } = await pushImage(shoal, tools, snapshots)
    const hostsDir = join(tools.folder, 'hosts')
    await hostsToml(hostsDir, { host: NAME, server: 'http://127.0.0.1:1', hosts: [{ url: agent }] })
    const name = `${NAME}/team/app:lazy`
    const received = () => shoal.counter('agent-1', 'shoal_received_bytes_total', 'from="origin"')

    await ctrRemote(['images', 'rpull', '--hosts-dir', hostsDir, '--snapshotter', 'stargz', name])
    expect(await containerd.contentDigests()).not.toContain(layer.digest)
    expect(await received()).toBeLessThan(layer.size / 2)

    expect(readDigests(await containerd.run(name))).toEqual(fileDigests(files))
    expect(await received()).toBe(bytes)
    expect(await shoal.counter('origin-1', 'shoal_received_bytes_total', 'from="backend"')).toBe(bytes)
  },
  120_000,
)
