import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { containerTools, hostsToml, isAtLeast, startContainerd } from '../kit/clients/index.ts'
import { digestsOf, layeredImage, makeImage } from '../kit/images/index.ts'
import { startTopology } from '../kit/topology.ts'

/** Programs that read parts of layers, where somebody has them on the path: Debian 12 has none of them. */
const fetchesInParallel = isAtLeast('containerd', 2, 1)
if (!fetchesInParallel) process.stdout.write('skipped: no containerd of at least 2.1 is on the path\n')
const withParallelFetch = fetchesInParallel ? test : test.skip

const BUFFER = 8 * 1024 * 1024
const LARGE = 40_000_000

withParallelFetch(
  'containerd fetches a layer by parallel requests that it closes early: the image is right, and no byte leaves the origin twice',
  async () => {
    await using tools = await containerTools()
    await using shoal = await startTopology({ agents: 1, origins: 1, trackers: 1, processes: [] })
    const table = '[plugins."io.containerd.transfer.v1.local"]'
    const keys = `max_concurrent_downloads = 3\nconcurrent_layer_fetch_buffer = ${BUFFER}\n`
    await using containerd = await startContainerd({ more: `${table}\n${keys}` })
    const hostOf = (id: string) => new URL(shoal.url(id, 'registry')).host
    const name = `${hostOf('proxy-1')}/team/app:t1`
    const image = await makeImage(join(tools.folder, 'image'), layeredImage({ largeBytes: LARGE, seed: 'parallel' }))
    await tools.skopeo(['copy', '--preserve-digests', image.reference, `docker://${name}`])
    const hostsDir = join(tools.folder, 'hosts')
    const hosts = [{ url: `http://${hostOf('agent-1')}` }]
    await hostsToml(hostsDir, { host: hostOf('proxy-1'), server: 'http://127.0.0.1:1', hosts })

    expect((await containerd.pull(name, { hostsDir })).digest).toBe(image.digest)
    const { digest, manifests } = await digestsOf(image.folder)
    const parts = manifests.flatMap(({ config, layers }) => [config, ...layers])
    expect((await containerd.contentDigests()).sort()).toEqual([...new Set([digest, ...parts])].sort())

    const answer = await fetch(`${shoal.url('agent-1', 'admin')}/pulls?outcome=left`)
    const { pulls } = (await answer.json()) as { readonly pulls: readonly { readonly size: number }[] }
    expect(pulls.filter(({ size }) => size > LARGE).length).toBeGreaterThan(0)
    const fetched = await shoal.counter('agent-1', 'shoal_received_bytes_total', 'from="origin"')
    expect(fetched).toBeGreaterThan(LARGE)
    expect(fetched).toBeLessThan(LARGE + BUFFER / 2)
  },
)
