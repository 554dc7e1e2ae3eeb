import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { buffer } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from '@jest/globals'
import { seededRandom, systemClock, systemRandom } from '../../../lib/base/index.ts'
import { digestOf } from '../../../lib/core/index.ts'
import { diskStore, type ManagedStore } from '../../../lib/store/index.ts'
import { silentLogger } from '../../../lib/telemetry/index.ts'
import { exitOf } from '../../kit/child-process.ts'
import { cipherBytes } from '../../kit/cipher-bytes.ts'
import { compiledScript } from '../../kit/compiled-script.ts'
import { chunksOf, contentOf, readBlob, writePieces } from '../../kit/store-fixture.ts'
import { strayFiles } from '../../kit/store-folder.ts'
import { tempFolder } from '../../kit/temp-folder.ts'

const script = fileURLToPath(new URL('./writing-child.ts', import.meta.url))

/** Lets a child write until it has printed `lines` lines, kills it with SIGKILL, and returns all its lines. */
async function writeAndKill(folder: string, mode: string, name: string, lines: number): Promise<string[]> {
  const child = spawn(process.execPath, [await compiledScript(script), folder, mode, name], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exit = exitOf(child)
  const said: string[] = []
  for await (const line of createInterface({ input: child.stdout })) {
    said.push(line)
    if (said.length === lines) child.kill('SIGKILL')
  }
  expect(await exit).toMatchObject({ signal: 'SIGKILL' })
  return said
}

async function reopen(folder: string): Promise<ManagedStore> {
  const components = { clock: systemClock(), random: systemRandom(), logger: silentLogger() }
  const store = diskStore(components, { folder, capacityBytes: 2 ** 30, minFreeBytes: 0 })
  await store.start()
  return store
}

describe.each([1, 2])('after kill -9 at a moment of seed %i', (seed) => {
  const lines = (most: number) => 2 + Math.floor(seededRandom(seed).next() * most)

  test('a partial blob has every piece it had, and each is right', async () => {
    await using folder = await tempFolder('crash')
    const name = `partial ${seed}`
    const content = contentOf(cipherBytes(name, 16 * 2 ** 20), 16_384)
    const said = await writeAndKill(folder.path, 'partial', name, lines(900))
    const store = await reopen(folder.path)
    const partial = await store.openPartial(content.digest, content.map)
    expect(said.map(Number).filter((piece) => !partial.have.has(piece))).toEqual([])
    for (const piece of partial.have) {
      const bytes = await partial.read(content.map.rangeOf(piece))
      expect(Buffer.compare(bytes, content.piece(piece))).toBe(0)
    }
    await writePieces(partial, content)
    await partial.complete()
    expect(digestOf(await readBlob(store, content.digest))).toBe(content.digest)
    await store.stop()
    expect(await strayFiles(folder.path)).toEqual([])
  })

  test('an upload goes on where it stood', async () => {
    await using folder = await tempFolder('crash')
    const name = `upload ${seed}`
    const content = contentOf(cipherBytes(name, 16 * 2 ** 20))
    const [id = ''] = await writeAndKill(folder.path, 'upload', name, 40 + lines(180))
    const store = await reopen(folder.path)
    const upload = await store.upload(id)
    expect(upload.size).toBeGreaterThan(0)
    expect(Buffer.compare(await buffer(upload.read()), content.bytes.subarray(0, upload.size))).toBe(0)
    await upload.append(chunksOf(content.bytes.subarray(upload.size)), { offset: upload.size })
    await upload.commit(content.digest)
    await store.stop()
    expect(await strayFiles(folder.path)).toEqual([])
  })

  test('every complete blob is there and right, and nothing half made is', async () => {
    await using folder = await tempFolder('crash')
    const said = await writeAndKill(folder.path, 'blobs', `blobs ${seed}`, lines(150))
    const store = await reopen(folder.path)
    const listed = await store.list()
    const digests = new Set<string>(listed.map(({ digest }) => digest))
    expect(said.filter((digest) => !digests.has(digest))).toEqual([])
    for (const { digest, size } of listed) {
      const bytes = await readBlob(store, digest)
      expect([digestOf(bytes), bytes.length]).toEqual([digest, size])
    }
    await store.stop()
    expect(await strayFiles(folder.path)).toEqual([])
  })
})
