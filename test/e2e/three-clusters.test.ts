import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { type RealClients, startRealClients } from '../kit/clients/index.ts'
import { type Clusters, startClusters } from '../kit/clusters.ts'
import { digestsOf, greeting, type ImageLayout, makeIndex, twoPlatforms } from '../kit/images/index.ts'
import { resourceStack } from '../kit/resource-stack.ts'

/**
 * Replication with real clients: what is pushed to the first of three clusters is pulled in the last one, unchanged. The
 * clusters form a loop, and half of the services of each are processes of their own.
 */
const stack = resourceStack()
const names = ['one', 'two', 'three']
const arrivalMs = 120_000
let clusters: Clusters
let real: RealClients
let index: ImageLayout

beforeAll(async () => {
  real = stack.own(await startRealClients({ largeBytes: 20_000_000, seed: 'clusters' }))
  index = await makeIndex(join(real.tools.folder, 'index'), twoPlatforms('clusters'))
  clusters = stack.own(
    await startClusters({
      clusters: { one: { two: {} }, two: { three: {} }, three: { one: {} } },
      processes: ['build-index-1', 'origin-1', 'proxy-1', 'agent-1'],
    }),
  )
}, 300_000)

afterAll(async () => stack[Symbol.asyncDispose]())

const address = (cluster: string, id: string) => new URL(clusters.at(cluster).url(id, 'registry')).host
const proxy = (cluster: string) => address(cluster, 'proxy-1')
const agent = (cluster: string) => address(cluster, 'agent-1')

async function arrives(repository: string, tag: string, digest: string): Promise<void> {
  for (const name of names) await clusters.at(name).hasTag(repository, tag, digest, arrivalMs)
}

test(
  'docker pushes to the first cluster, pulls the same digest in the last one, and it runs',
  async () => {
    const pushed = `${proxy('one')}/team/docker:t1`
    const { dockerd } = real
    await real.load(real.image, pushed)
    const digest = await dockerd.push(pushed)
    await arrives('team/docker', 't1', digest)
    await dockerd.removeImages()
    const pulled = `${agent('three')}/team/docker:t1`
    expect(await dockerd.pull(pulled)).toBe(digest)
    expect(await dockerd.run(pulled)).toBe(`${greeting}\n`)
  },
  arrivalMs * 2,
)

test(
  'an index comes with all its platforms, and with its signature',
  async () => {
    const signature = `${index.digest.replace(':', '-')}.sig`
    await real.push(index, `${proxy('one')}/team/index:t1`, '--all')
    await real.push(real.image, `${proxy('one')}/team/index:${signature}`)
    await arrives('team/index', 't1', index.digest)
    await arrives('team/index', signature, real.image.digest)
    const at = `${agent('three')}/team/index`
    expect(await real.pull(`${at}:t1`, '--all')).toEqual(await digestsOf(index.folder))
    expect(await real.pull(`${at}:${signature}`)).toEqual(await digestsOf(real.image.folder))
  },
  arrivalMs * 3,
)

test(
  'a tag that docker moves is moved in every cluster',
  async () => {
    const { dockerd } = real
    const moving = `${proxy('one')}/team/moving:latest`
    for (const content of ['first', 'second']) {
      await dockerd.build(moving, { files: { 'a.txt': content }, cmd: ['/a.txt'] })
      const digest = await dockerd.push(moving)
      await arrives('team/moving', 'latest', digest)
      await dockerd.removeImages()
      expect(await dockerd.pull(`${agent('three')}/team/moving:latest`)).toBe(digest)
    }
  },
  arrivalMs * 3,
)
