import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { cipherBytes } from '../kit/cipher-bytes.ts'
import { isInstalled, makeNydusImage, type NydusImage, startNydusd } from '../kit/clients/index.ts'
import { eventually } from '../kit/eventually.ts'
import { linkBlob } from '../kit/link-blob.ts'
import { type ObjectServer, objectServer } from '../kit/object-server.ts'
import { resourceStack } from '../kit/resource-stack.ts'
import { run } from '../kit/run.ts'
import { shoalSetup } from '../kit/shoal-setup.ts'
import { tempFolder } from '../kit/temp-folder.ts'
import { startTopology, type Topology } from '../kit/topology.ts'

/** nydusd, where somebody has it on the path: Debian has none. It mounts images that no agent and no origin has. */
const hasNydus = ['nydusd', 'nydus-image'].every((program) => isInstalled(program))
if (!hasNydus) process.stdout.write('skipped: no nydusd and nydus-image are on the path\n')
const whereItIs = hasNydus ? describe : describe.skip

/** The name of the cluster's registry in the names of images; nobody has it at an address. */
const NAME = 'registry.example'
const repositories = ['team/prefetched', 'team/lazy'] as const
type Repository = (typeof repositories)[number]

const stack = resourceStack()
let shoal: Topology
let folder: string
const images = new Map<Repository, NydusImage & { readonly source: string; readonly store: ObjectServer }>()

/** Small files, of which several are in one chunk, two that have many, and what has no bytes. */
async function writeFiles(source: string, seed: string): Promise<void> {
  const files: [string, Uint8Array | string][] = [
    ...Array.from({ length: 60 }, (_, at): [string, Uint8Array] => [
      `small/${at % 7}/file ${at}`,
      cipherBytes(`${seed} ${at}`, 100 + at * 331),
    ]),
    ['first.bin', cipherBytes(`${seed} first`, 7_000_001)],
    ['last.bin', cipherBytes(`${seed} last`, 6_000_007)],
    ['names/größe.txt', 'one line of text\n'.repeat(20_000)],
    ['empty', ''],
  ]
  for (const [name, content] of files) {
    await mkdir(dirname(join(source, name)), { recursive: true })
    await writeFile(join(source, name), content)
  }
  await symlink('first.bin', join(source, 'link'))
}

beforeAll(async () => {
  if (!hasNydus) return
  folder = stack.own(await tempFolder('nydus')).path
  for (const repository of repositories) {
    const source = join(folder, repository, 'files')
    await writeFiles(source, repository)
    const image = await makeNydusImage(source, join(folder, repository, 'image'))
    images.set(repository, { ...image, source, store: stack.own(await objectServer(image.blob)) })
  }
  const backends = repositories.map((repository) => {
    return { repository, backend: { driver: 'http', url: `${imageOf(repository).store.url}/{key}` } }
  })
  shoal = stack.own(
    await startTopology({
      ...{ agents: 1, origins: 1, trackers: 1, processes: [] },
      overrides: [`origin.backends=${JSON.stringify(backends)}`, `agent.registry.ownNames=["${NAME}"]`],
    }),
  )
  for (const repository of repositories) {
    const { digest, blob } = imageOf(repository)
    await linkBlob(shoal, repository, digest, blob.length)
  }
})

afterAll(async () => stack[Symbol.asyncDispose]())

function imageOf(repository: Repository) {
  const image = images.get(repository)
  if (image === undefined) throw new Error(`no image in ${repository}`)
  return image
}

/** What `shoal setup nydus` writes where there is no config yet, which its snapshotter makes complete for each image. */
async function setUp() {
  const root = join(folder, 'machine')
  await mkdir(root)
  await shoalSetup('nydus', '--root', root, '--agent', shoal.url('agent-1', 'registry'), '--own', NAME)
  return JSON.parse(await readFile(join(root, 'etc/nydus/nydusd-config.fusedev.json'), 'utf8')) as {
    readonly device: { readonly backend: { readonly config: object } }
  }
}

/** Fails with the names of all files that are not the same. */
const compare = (source: string, mounted: string) => run('diff', ['--recursive', '--no-dereference', source, mounted])

interface Held {
  readonly blobs: readonly { readonly digest: string }[]
  readonly partials: readonly { readonly digest: string; readonly heldBytes: number }[]
}
const held = async () => (await (await fetch(`${shoal.url('agent-1', 'admin')}/blobs`)).json()) as Held

whereItIs('nydusd over an agent that has nothing', () => {
  test('with the config of the set-up reads all files right, and its prefetch takes each byte from the store once', async () => {
    const { bootstrap, blob, digest, source, store } = imageOf('team/prefetched')
    const config = await setUp()
    Object.assign(config.device.backend.config, { host: NAME, repo: 'team/prefetched' })
    await using mount = await startNydusd({ config, bootstrap })
    await compare(source, mount.folder)
    await eventually(async () => expect((await held()).blobs).toContainEqual(expect.objectContaining({ digest })))
    expect(store.counts.between(blob.length)).toEqual({ least: 1, most: 1 })
    expect(await shoal.counter('agent-1', 'shoal_forwards_total', 'way="mirror",outcome="done"')).toBeGreaterThan(1)
    expect(await shoal.counter('agent-1', 'shoal_forwards_total', 'way="relay"')).toBe(0)
  })

  test('without prefetch, and with the agent as a mirror, takes only what is read', async () => {
    const { bootstrap, blob, digest, source, store } = imageOf('team/lazy')
    const mirror = { host: shoal.url('agent-1', 'registry'), auth_through: true }
    const config = {
      device: {
        backend: { type: 'registry', config: { scheme: 'https', host: NAME, repo: 'team/lazy', mirrors: [mirror] } },
        cache: { type: 'blobcache', config: { work_dir: '/var/lib/nydus/cache' } },
      },
      mode: 'direct',
    }
    await using mount = await startNydusd({ config, bootstrap })
    await run('cmp', ['--bytes', '1000', join(source, 'first.bin'), join(mount.folder, 'first.bin')])
    const partial = expect.objectContaining({ digest })
    await eventually(async () => expect((await held()).partials).toContainEqual(partial))
    const part = (await held()).partials.find((each) => each.digest === digest)?.heldBytes
    expect(part).toBeLessThan(blob.length / 2)
    await compare(source, mount.folder)
    expect(store.counts.between(blob.length)).toEqual({ least: 1, most: 1 })
  })
})
