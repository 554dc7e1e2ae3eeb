import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { deferred, seededRandom } from '../../../lib/base/index.ts'
import { digestOf } from '../../../lib/core/index.ts'
import { exitCodes } from '../../../services/cli/exit-codes.ts'
import { run } from '../../../services/cli/run.ts'
import { pushImage } from '../../contract/registry/running-registry.ts'
import { cipherBytes } from '../../kit/cipher-bytes.ts'
import { eventually } from '../../kit/eventually.ts'
import { type FaultProxy, faultProxy } from '../../kit/fault-proxy.ts'
import { endAfter, pauseAfter } from '../../kit/http-faults.ts'
import { blobFixture, descriptorOf, type FixtureImage, imageFixture, manifestFixture } from '../../kit/image-fixture.ts'
import { folder as dir, estargzOf, file, layerOf, symlink, tarOf, whiteout } from '../../kit/layer-files.ts'
import { type PushedBlob, pushBlobOf } from '../../kit/pushed-blob.ts'
import { recordingHost } from '../../kit/recording-host.ts'
import { registryClient } from '../../kit/registry-client.ts'
import { scriptedServer } from '../../kit/scripted-server.ts'
import { type TempFolder, tempFolder } from '../../kit/temp-folder.ts'
import { startTopology, type Topology } from '../../kit/topology.ts'

const SIZE = 3_000_001
const HALF = 1_500_000

const OCI_INDEX = 'application/vnd.oci.image.index.v1+json'
const OCI_LAYER = 'application/vnd.oci.image.layer.v1.tar+gzip'
const random = seededRandom(72)
const weights = Buffer.from(random.bytes(700_000))
const layers = [
  layerOf(gzipSync(tarOf([file('etc/release', 'base'), file('etc/gone', '1')]))),
  estargzOf([dir('opt/model'), file('opt/model/other', random.bytes(900_000)), file('opt/model/w', weights)]),
  layerOf(
    gzipSync(tarOf([file('big', 'first'), symlink('model', 'opt/model'), whiteout('etc/gone'), file('big', weights)])),
  ),
]
/** An image with a layer of each kind, and an index that has it for one platform. */
const model: FixtureImage = {
  ...{ config: blobFixture('{}'), layers },
  manifest: manifestFixture('application/vnd.oci.image.manifest.v1+json', {
    config: descriptorOf(blobFixture('{}'), 'application/vnd.oci.image.config.v1+json'),
    layers: layers.map((layer) => ({ ...descriptorOf(layer, OCI_LAYER), annotations: layer.annotations })),
  }),
}
const index = manifestFixture(OCI_INDEX, {
  manifests: [
    { ...descriptorOf(model.manifest, model.manifest.mediaType), platform: { os: 'linux', architecture: 's390x' } },
  ],
})

let shoal: Topology
let proxy: FaultProxy
let blob: PushedBlob
let image: FixtureImage
let folder: TempFolder
let files = 0

beforeAll(async () => {
  shoal = await startTopology({ agents: 1, origins: 1, trackers: 1, processes: [] })
  proxy = await faultProxy({ target: shoal.url('agent-1', 'registry') })
  blob = await pushBlobOf(shoal, 'team/app', SIZE)
  image = imageFixture(seededRandom(71), [2_000])
  await pushImage(registryClient(shoal.url('proxy-1', 'registry')), 'team/app', image, ['1.0'])
  const client = registryClient(shoal.url('proxy-1', 'registry'))
  await pushImage(client, 'team/app', model)
  await client.send('PUT', '/v2/team/app/manifests/model', {
    headers: { 'content-type': OCI_INDEX },
    body: index.bytes,
  })
  folder = await tempFolder('get')
})

afterAll(async () => {
  for (const each of [proxy, shoal, folder]) await each[Symbol.asyncDispose]()
})

/** A file of its own in a folder of its own for each download. */
async function newFile() {
  files += 1
  const own = join(folder.path, String(files))
  await mkdir(own)
  return { path: join(own, 'blob'), left: () => readdir(own) }
}

async function get(words: readonly string[], { host = recordingHost(), agent = proxy.url } = {}) {
  const args = ['get', ...words, '--agent', agent, '--url', shoal.url('agent-1', 'admin')]
  return { exit: await run(args, host), host }
}

const named = () => `team/app@${blob.digest}`
const isBlob = { method: 'GET' as const, path: /\/blobs\// }
const asked = () => proxy.faults.requests.map(({ range }) => range)

test('a blob goes to standard output, and nothing else does', async () => {
  const { exit, host } = await get([named()])
  expect([exit, host.bytes.equals(blob.bytes), host.said]).toEqual([exitCodes.done, true, ''])
})

test.each([
  ['0-99', 0, 100],
  ['2999990-', 2_999_990, SIZE],
  ['-11', SIZE - 11, SIZE],
])('of the range %s come exactly these bytes', async (range, start, end) => {
  const { exit, host } = await get([named(), '--range', range])
  expect([exit, host.bytes.equals(blob.bytes.subarray(start, end))]).toEqual([exitCodes.done, true])
})

test('a manifest is had by its tag and by its digest', async () => {
  const { digest, bytes } = image.manifest
  for (const what of ['team/app:1.0', `team/app@${digest}`]) {
    const { exit, host } = await get([what])
    expect([what, exit, host.bytes.equals(bytes)]).toEqual([what, exitCodes.done, true])
  }
  const other = digestOf(Buffer.from('other'))
  const { exit, host } = await get(['team/app:1.0', '--digest', other, '--output', (await newFile()).path])
  expect([exit, host.complained]).toEqual([exitCodes.failed, expect.stringContaining('DIGEST_INVALID')])
})

test('a body that breaks off is gone on with where it ended', async () => {
  proxy.faults.next(isBlob, endAfter(HALF))
  proxy.faults.next(isBlob, endAfter(HALF / 2))
  const from = proxy.faults.requests.length
  const { exit, host } = await get([named()])
  expect([exit, host.bytes.equals(blob.bytes)]).toEqual([exitCodes.done, true])
  const end = SIZE - 1
  expect(asked().slice(from)).toEqual([undefined, `bytes=${HALF}-${end}`, `bytes=${HALF + HALF / 2}-${end}`])
})

test('a range that breaks off ends where it was to end', async () => {
  proxy.faults.next(isBlob, endAfter(1_000))
  const { exit, host } = await get([named(), '--range', '100-9999'])
  expect([exit, host.bytes.equals(blob.bytes.subarray(100, 10_000))]).toEqual([exitCodes.done, true])
})

test('what Ctrl-C leaves is gone on with by the next run, and a terminal shows how far it is', async () => {
  const { path, left } = await newFile()
  const never = deferred()
  proxy.faults.next(isBlob, pauseAfter(HALF, never.promise))
  const host = recordingHost({}, true)
  const first = get([named(), '--output', path], { host })
  await eventually(() => expect(host.shown.join('\n')).toMatch(/49 % of 2\.9 MiB.* (peers|origins|this node)/))
  host.interrupt()
  expect((await first).exit).toBe(exitCodes.interrupted)
  never.resolve()
  expect(host.shown.at(-1)).toBe('')
  expect(await left()).toEqual([expect.stringMatching(/^\.blob\.[0-9a-f]{12}\.part$/)])
  const from = proxy.faults.requests.length
  expect((await get([named(), '--output', path])).exit).toBe(exitCodes.done)
  expect(asked().slice(from)).toEqual([`bytes=${HALF}-`])
  expect(blob.bytes).toEqual(new Uint8Array(await readFile(path)))
  expect(await left()).toEqual(['blob'])
})

test.each([
  ['all of it, right', (bytes: Uint8Array) => bytes, exitCodes.done, ['blob']],
  ['all of it, wrong', (bytes: Uint8Array) => bytes.toReversed(), exitCodes.failed, []],
  ['wrong at the beginning', (bytes: Uint8Array) => bytes.subarray(0, 1_000).toReversed(), exitCodes.failed, []],
])('an earlier run has left %s: nothing wrong gets the name', async (_what, leftBy, exit, files) => {
  const { path, left } = await newFile()
  const part = path.replace(/blob$/, `.blob.${blob.digest.slice(7, 19)}.part`)
  await writeFile(part, leftBy(blob.bytes))
  const got = await get([named(), '--output', path])
  expect([got.exit, await left()]).toEqual([exit, files])
})

test('wrong bytes of an agent are no success, and nothing of them is kept', async () => {
  await using liar = await scriptedServer((_, res) => void res.end(cipherBytes('another blob', 5_000)))
  const { path, left } = await newFile()
  const { exit, host } = await get([named(), '--output', path], { agent: liar.url })
  expect([exit, host.complained]).toEqual([exitCodes.failed, expect.stringContaining('DIGEST_INVALID')])
  expect(await left()).toEqual([])
  expect((await get([named()], { agent: liar.url })).exit).toBe(exitCodes.failed)
  expect((await get([named(), '--range', '0-9'], { agent: liar.url })).host.complained).toContain('UNSUPPORTED')
})

test.each([
  ['nothing', ['']],
  ['an odd name', ['Team/App:1']],
  ['no digest', ['team/app@sha256:12']],
  ['no range', ['team/app:1.0', '--range', '9']],
  ['a digest of a part', ['team/app:1.0', '--range', '0-9', '--digest', digestOf(Buffer.from(''))]],
  ['a platform of a blob', ['team/app:1.0', '--platform', 'linux/amd64']],
  ['a path of a URL', ['https://models.example/a', '--path', '/a']],
  ['two digests', [`team/app@${digestOf(Buffer.from('a'))}`, '--digest', digestOf(Buffer.from('b'))]],
  ['a file where no folder is', ['team/app:1.0', '--output', '/nowhere/at/all/blob']],
])('%s is wrong usage', async (_what, words) => {
  const { exit, host } = await get(words)
  expect([exit, host.complained]).toEqual([exitCodes.usage, expect.stringContaining('CONFIG_INVALID')])
})

test('what nobody has, and an agent that is not there, have exit codes of their own', async () => {
  const nobody = await get([`team/app@${digestOf(Buffer.from('nobody has this'))}`])
  expect([nobody.exit, nobody.host.complained]).toEqual([exitCodes.notFound, expect.stringMatching(/UNKNOWN/)])
  expect((await get([named()], { agent: 'http://127.0.0.1:1' })).exit).toBe(exitCodes.unreachable)
})

const inModel = ['team/app:model', '--platform', 'linux/s390x']
const blobOf = (layer: { readonly digest: string } | undefined) => new RegExp(`/blobs/${layer?.digest ?? ''}`)
const readOf = (from: number, layer: { readonly digest: string } | undefined) =>
  proxy.faults.requests.slice(from).filter(({ url }) => blobOf(layer).test(url)).length

test('a file of an image is had by its path, and a layer is read once', async () => {
  const { path, left } = await newFile()
  const from = proxy.faults.requests.length
  proxy.faults.next({ method: 'GET', path: blobOf(layers[2]) }, endAfter(300_000))
  const { exit, host } = await get([...inModel, '--path', '/big', '--output', path, '--digest', digestOf(weights)])
  expect([exit, host.complained, await left()]).toEqual([exitCodes.done, '', ['blob']])
  expect(weights.equals(await readFile(path))).toBe(true)
  expect(layers.map((layer) => readOf(from, layer))).toEqual([0, 0, 2])
  expect((await get([...inModel, '--path', 'big'])).host.bytes.equals(weights)).toBe(true)
})

test.each([
  [undefined, 0, weights.length],
  ['650000-', 650_000, weights.length],
  ['-5', weights.length - 5, weights.length],
])('links lead to a file of another layer, of which come the bytes %s', async (range, start, end) => {
  const { path } = await newFile()
  const words = [...inModel, '--path', '/model/w', ...(range === undefined ? [] : ['--range', range])]
  for (const to of [[], ['--output', path]]) {
    const { exit, host } = await get([...words, ...to])
    const bytes = to.length === 0 ? host.bytes : await readFile(path)
    expect([exit, host.complained, weights.subarray(start, end).equals(bytes)]).toEqual([exitCodes.done, '', true])
  }
})

test('what lies in an image is listed, with its type and its size', async () => {
  const { exit, host } = await get([...inModel, '--list'])
  expect([exit, host.said]).toEqual([
    exitCodes.done,
    'file\t700000\t/big\nfolder\t0\t/etc\nsymlink\t0\t/model -> opt/model\nfolder\t0\t/opt',
  ])
  expect((await get([...inModel, '--list', '--path', '/model'])).host.said).toContain('file\t900000\t/opt/model/other')
})

test.each([
  ['/etc/gone', [], exitCodes.notFound, 'FILE_UNKNOWN'],
  ['/opt', [], exitCodes.notAFile, 'NOT_A_FILE'],
  ['/big', ['--range', '700000-'], exitCodes.failed, 'RANGE_UNSATISFIABLE'],
  ['/big', ['--digest', digestOf(Buffer.from('other'))], exitCodes.failed, 'DIGEST_INVALID'],
  ['/big', ['--platform', 'linux/mips'], exitCodes.notFound, 'MANIFEST_UNKNOWN'],
  ['/big', ['--platform', 'linux'], exitCodes.usage, 'CONFIG_INVALID'],
  ['/big', ['--list', '--range', '0-9'], exitCodes.usage, 'CONFIG_INVALID'],
])('of %s %j comes no file, and the exit code says why', async (path, words, code, text) => {
  const { path: output, left } = await newFile()
  const to = code === exitCodes.usage ? [] : ['--output', output]
  const { exit, host } = await get([...inModel, '--path', path, ...to, ...words])
  expect([exit, host.complained, await left()]).toEqual([code, expect.stringContaining(text), []])
})

test('of a layer that is not what its digest says nothing is kept', async () => {
  const lie = gzipSync(tarOf([file('big', 'a lie')]))
  await using liar = await scriptedServer(({ url }, res) => {
    if (url.includes('/manifests/'))
      return void res.end(url.includes(model.manifest.digest) ? model.manifest.bytes : index.bytes)
    res.end(lie)
  })
  const { path, left } = await newFile()
  const { exit, host } = await get([...inModel, '--path', '/big', '--output', path], { agent: liar.url })
  expect([exit, host.complained, await left()]).toEqual([
    exitCodes.failed,
    expect.stringContaining('DIGEST_INVALID'),
    [],
  ])
})
