import { chmod, lstat, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { z } from 'zod'
import { fakeClock, seededRandom } from '../../lib/base/index.ts'
import { loadConfig } from '../../lib/config/index.ts'
import type { Digest } from '../../lib/core/index.ts'
import { levelStorage } from '../../lib/journal/index.ts'
import { runService } from '../../lib/service/index.ts'
import { diskStore } from '../../lib/store/index.ts'
import { silentLogger } from '../../lib/telemetry/index.ts'
import { agentDoor } from '../../services/agent/index.ts'
import { recordingHost } from '../kit/recording-host.ts'
import { chunksOf, putBlob, randomContent, readBlob, writePieces } from '../kit/store-fixture.ts'
import { tempFolder } from '../kit/temp-folder.ts'

/** Another user of the machine, or somebody who can write into a folder of ours. */

const newStore = (folder: string) =>
  diskStore(
    { clock: fakeClock(), random: seededRandom(1), logger: silentLogger(), bootId: async () => 'a boot' },
    { folder, capacityBytes: 2 ** 20, minFreeBytes: 0, uploadIdleMs: 1000, handleIdleMs: 1000, maxOpenBlobs: 2 },
  )

/** The rights of everything in a folder, and of itself, by kind. */
async function rightsIn(folder: string) {
  const rights = { folders: new Set<string>(), files: new Set<string>() }
  for (const name of ['', ...(await readdir(folder, { recursive: true }))]) {
    const found = await lstat(join(folder, name))
    const mode = (found.mode & 0o777).toString(8)
    if (found.isDirectory()) rights.folders.add(mode)
    else rights.files.add(mode)
  }
  return { folders: [...rights.folders], files: [...rights.files] }
}

describe('whatever the umask is', () => {
  let before: number
  beforeEach(() => {
    before = process.umask(0)
  })
  afterEach(() => void process.umask(before))

  test('nobody else may use what is in a store', async () => {
    await using temp = await tempFolder('modes')
    const folder = join(temp.path, 'below', 'store')
    const store = newStore(folder)
    await store.start()
    const [blob, part] = [randomContent(3000), randomContent(5000)]
    await putBlob(store, blob)
    await store.putSidecar(blob.digest, 'pieces', blob.bytes)
    await writePieces(await store.openPartial(part.digest, part.map), part, [0])
    await (await store.createUpload()).append(chunksOf(blob.bytes), { offset: 0 })
    expect(await rightsIn(folder)).toEqual({ folders: ['700'], files: ['600'] })
    await store.stop()
  })

  test('the folders above a store that is made stay open to the services of other users', async () => {
    await using temp = await tempFolder('modes')
    process.umask(0o022)
    const store = newStore(join(temp.path, 'srv', 'shared', 'store'))
    await store.start()
    for (const above of [['srv'], ['srv', 'shared']]) {
      expect(((await lstat(join(temp.path, ...above))).mode & 0o777).toString(8)).toBe('755')
    }
    expect(((await lstat(join(temp.path, 'srv', 'shared', 'store'))).mode & 0o777).toString(8)).toBe('700')
    await store.stop()
  })

  test('nobody else may enter a folder that was there before, nor that of a journal', async () => {
    await using temp = await tempFolder('modes')
    const journal = join(temp.path, 'journal')
    await chmod(temp.path, 0o777)
    const store = newStore(temp.path)
    await store.start()
    const storage = levelStorage({ folder: journal })
    await storage.start()
    expect((await rightsIn(temp.path)).folders).toEqual(['700'])
    await storage.stop()
    await store.stop()
  })
})

const pathOf = (folder: string, digest: Digest, name = 'data') => {
  const hex = digest.slice('sha256:'.length)
  return join(folder, 'blobs', 'sha256', hex.slice(0, 2), hex, name)
}

describe('a link in place of a small file beside a blob', () => {
  test('is neither read nor written through, and the next write replaces it', async () => {
    await using temp = await tempFolder('links')
    const [folder, elsewhere] = [join(temp.path, 'store'), join(temp.path, 'passwd')]
    await writeFile(elsewhere, 'secret')
    const store = newStore(folder)
    await store.start()
    const blob = randomContent(3000)
    await putBlob(store, blob)
    await symlink(elsewhere, pathOf(folder, blob.digest, 'label'))
    await symlink(elsewhere, pathOf(folder, blob.digest, 'label.tmp'))
    expect(await store.sidecar(blob.digest, 'label')).toBeUndefined()
    await store.putSidecar(blob.digest, 'label', Buffer.from('ours'))
    expect(Buffer.from((await store.sidecar(blob.digest, 'label')) ?? []).toString()).toBe('ours')
    expect(await readFile(elsewhere, 'utf8')).toBe('secret')
    await store.stop()
  })
})

describe('a link in place of the data of a blob', () => {
  test('is not followed, neither by a store that runs nor by one that starts', async () => {
    await using temp = await tempFolder('links')
    const [folder, elsewhere] = [join(temp.path, 'store'), join(temp.path, 'passwd')]
    const blob = randomContent(3000)
    await writeFile(elsewhere, Buffer.alloc(3000, 'secret'))
    const first = newStore(folder)
    await first.start()
    await putBlob(first, blob)
    await rm(pathOf(folder, blob.digest))
    await symlink(elsewhere, pathOf(folder, blob.digest))
    await expect(readBlob(first, blob.digest)).rejects.toMatchObject({ code: 'STORE_CORRUPT' })
    await first.stop()

    const second = newStore(folder)
    await second.start()
    expect(await second.list()).toEqual([])
    expect((await readFile(elsewhere)).length).toBe(3000)
    await second.stop()
  })
})

describe('secrets', () => {
  const schema = z.strictObject({ token: z.string() })

  test.each([0o604, 0o602, 0o644])('in a file that everybody may use (%i) are refused', async (mode) => {
    await using temp = await tempFolder('secrets')
    const secretsFile = join(temp.path, 'secrets.yaml')
    await writeFile(secretsFile, 'token: hidden\n')
    await chmod(secretsFile, mode)
    await expect(loadConfig(schema, { secretsFile })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('chmod'),
    })
    await chmod(secretsFile, 0o640)
    await expect(loadConfig(schema, { secretsFile })).resolves.toEqual({ token: 'hidden' })
  })

  test.each(['token: "hidden\n', 'token: *hidden\n', 'token: hidden: x\n', '\thidden\n', 'token: [hidden]]\n'])(
    'stand in no error about the file that holds them: %p',
    async (text) => {
      await using temp = await tempFolder('secrets')
      const secretsFile = join(temp.path, 'secrets.yaml')
      await writeFile(secretsFile, text, { mode: 0o600 })
      const failure: unknown = await loadConfig(schema, { secretsFile }).catch((err: unknown) => err)
      expect(failure).toMatchObject({ code: 'CONFIG_INVALID', message: expect.stringContaining('secrets.yaml') })
      expect(`${(failure as Error).stack} ${String((failure as Error).cause)}`).not.toContain('hidden')
    },
  )

  test.each([
    'secrets.node=hidden',
    'secrets={ node: hidden }',
    'registry.uploadSecret=hidden',
    'backend.password=hidden',
  ])('on a command line are refused, and the variable to use is named: %s', async (override) => {
    const host = recordingHost()
    expect(await runService(agentDoor, ['--set', override], host)).toBe(1)
    expect(host.complained).toMatch(/CONFIG_INVALID.*SHOAL__/)
    expect(host.complained).not.toContain('hidden')
  })
})
