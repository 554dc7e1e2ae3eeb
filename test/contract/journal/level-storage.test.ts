import { join } from 'node:path'
import { expect, jest, test } from '@jest/globals'
import { ClassicLevel } from 'classic-level'
import { levelStorage } from '../../../lib/journal/index.ts'
import { tempFolder } from '../../kit/temp-folder.ts'
import { journalStorageSuite } from './journal-storage-suite.ts'

journalStorageSuite('in LevelDB', async () => {
  const folder = await tempFolder('journal')
  const storage = levelStorage({ folder: join(folder.path, 'made', 'when', 'missing') })
  return { storage, dispose: async () => folder[Symbol.asyncDispose]() }
})

const change = { key: 'a', value: Buffer.from('1') }

test('a folder that is in use is refused by code, and free again after the stop', async () => {
  await using folder = await tempFolder('journal')
  const first = levelStorage({ folder: folder.path })
  const second = levelStorage({ folder: folder.path })
  await first.start()
  await expect(second.start()).rejects.toMatchObject({ code: 'JOURNAL_IN_USE' })
  await first.write([change], { sync: true })
  await first.stop()
  await second.start()
  await second.stop()
})

test('a folder that cannot be made is an outage', async () => {
  const storage = levelStorage({ folder: '/dev/null/journal' })
  await expect(storage.start()).rejects.toMatchObject({ code: 'JOURNAL_UNAVAILABLE' })
  await storage.stop()
})

test('a write tells the database whether to wait for the disk', async () => {
  await using folder = await tempFolder('journal')
  const storage = levelStorage({ folder: folder.path })
  await storage.start()
  const batch = jest.spyOn(ClassicLevel.prototype, 'batch')
  await storage.write([change], { sync: true })
  await storage.write([change], { sync: false })
  expect(batch.mock.calls.map((call: readonly unknown[]) => call[1])).toEqual([{ sync: true }, { sync: false }])
  await storage.stop()
})

test('a failed write is an outage, and the next one opens the database anew', async () => {
  await using folder = await tempFolder('journal')
  const storage = levelStorage({ folder: folder.path })
  await storage.start()
  await storage.write([change], { sync: true })
  const batch = jest.spyOn(ClassicLevel.prototype, 'batch').mockRejectedValueOnce(new Error('disk full') as never)
  const close = jest.spyOn(ClassicLevel.prototype, 'close')
  await expect(storage.write([{ ...change, key: 'b' }], { sync: true })).rejects.toMatchObject({
    code: 'JOURNAL_UNAVAILABLE',
  })
  await Promise.all(['c', 'd'].map((key) => storage.write([{ ...change, key }], { sync: true })))
  expect(close).toHaveBeenCalledTimes(1)
  batch.mockRestore()
  const keys: string[] = []
  for await (const { key } of storage.records()) keys.push(key)
  expect(keys).toEqual(['a', 'c', 'd'])
  await storage.stop()
})
