import { seededRandom, systemClock, systemRandom } from '../../../lib/base/index.ts'
import { diskStore } from '../../../lib/store/index.ts'
import { silentLogger } from '../../../lib/telemetry/index.ts'
import { cipherBytes } from '../../kit/cipher-bytes.ts'
import { type Content, contentOf, putBlob, writePieces } from '../../kit/store-fixture.ts'

/** Writes to a store until it is killed; prints what the store has promised. */
const [folder = '', mode = '', name = ''] = process.argv.slice(2)
const components = { clock: systemClock(), random: systemRandom(), logger: silentLogger() }
const store = diskStore(components, { folder, capacityBytes: 2 ** 30, minFreeBytes: 0, syncBytes: 2 ** 20 })
const say = (word: string | number) => process.stdout.write(`${word}\n`)

/** Writes the pieces of one blob in random order; prints each stored piece. */
async function writePartial(content: Content): Promise<void> {
  const partial = await store.openPartial(content.digest, content.map)
  const random = seededRandom(content.bytes.length)
  const order = Array.from({ length: content.map.count }, (_, piece) => ({ piece, at: random.next() }))
  order.sort((a, b) => a.at - b.at)
  for (let i = 0; i < order.length; i += 4) {
    await Promise.all(
      order.slice(i, i + 4).map(async ({ piece }) => {
        await writePieces(partial, content, [piece])
        say(piece)
      }),
    )
  }
}

/** Uploads in chunks; prints the upload's id first, then the number of offered bytes. */
async function writeUpload(content: Content): Promise<void> {
  const upload = await store.createUpload()
  say(upload.id)
  const source = async function* () {
    for (let start = 0; start < content.bytes.length; start += 65_536) {
      yield content.bytes.subarray(start, start + 65_536)
      say(start)
    }
  }
  await upload.append(source(), { offset: 0 })
}

/** Stores many small blobs, by upload and by pieces; prints the digest of each complete blob. */
async function writeBlobs(): Promise<void> {
  for (let i = 0; ; i += 1) {
    const content = contentOf(cipherBytes(`${name} ${i}`, 20_000 + i))
    if (i % 2 === 0) await putBlob(store, content)
    else {
      const partial = await store.openPartial(content.digest, content.map)
      await writePieces(partial, content)
      await partial.complete()
    }
    await store.putSidecar(content.digest, 'pieces', content.hash(0))
    say(content.digest)
  }
}

await store.start()
if (mode === 'blobs') await writeBlobs()
const content = contentOf(cipherBytes(name, 16 * 2 ** 20), 16_384)
await (mode === 'upload' ? writeUpload(content) : writePartial(content))
await components.clock.sleep(60_000)
