import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { expect, test } from '@jest/globals'
import { type ContainerTools, containerTools, isInstalled, type Stargz, startStargz } from '../kit/clients/index.ts'
import { digestFiles, fileDigests, makeImage, readDigests } from '../kit/images/index.ts'
import { shoalSetup } from '../kit/shoal-setup.ts'
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

/** What somebody wrote there by hand: without it, the daemon takes all of a layer some seconds after its mount. */
const before = 'no_background_fetch = true\n'

/** Sets a machine up as docs/engines/stargz.md says; returns the config of stargz, and the folder of containerd's hosts. */
async function setUp(agent: string, root: string) {
  const config = join(root, 'etc/containerd-stargz-grpc/config.toml')
  await mkdir(dirname(config), { recursive: true })
  await writeFile(config, before)
  for (const engine of ['stargz', 'containerd'])
    await shoalSetup(engine, '--root', root, '--agent', agent, '--own', NAME)
  return { config: await readFile(config, 'utf8'), hostsDir: join(root, 'etc/containerd/certs.d') }
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
  return { layer, manifestBytes: manifest.length, bytes: layer.size + config.size + manifest.length }
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
    const { config, hostsDir } = await setUp(agent, join(tools.folder, 'machine'))
    await using snapshots = await startStargz(config)
    const { containerd, ctrRemote } = snapshots
    const { layer, bytes, manifestBytes } = await pushImage(shoal, tools, snapshots)
    const name = `${NAME}/team/app:lazy`
    const received = () => shoal.counter('agent-1', 'shoal_received_bytes_total', 'from="origin"')

    await ctrRemote(['images', 'rpull', '--hosts-dir', hostsDir, '--snapshotter', 'stargz', name])
    expect(await containerd.contentDigests()).not.toContain(layer.digest)
    expect(await received()).toBeLessThan(layer.size / 2)

    expect(readDigests(await containerd.run(name))).toEqual(fileDigests(files))
    // Not one unit of the layer more; the manifest, which is asked for by name and by digest, may come twice.
    expect(await received()).toBeLessThanOrEqual(bytes + manifestBytes)
    expect(await shoal.counter('origin-1', 'shoal_received_bytes_total', 'from="backend"')).toBe(bytes)
  },
)
