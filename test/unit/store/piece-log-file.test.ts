import { type FileHandle, open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { PieceMap } from '../../../lib/core/index.ts'
import type { IdleHandle } from '../../../lib/store/disk/idle-handles.ts'
import { PieceLog, RECORD_BYTES } from '../../../lib/store/disk/piece-log.ts'
import { pieceLogFile } from '../../../lib/store/disk/piece-log-file.ts'
import { tempFolder } from '../../kit/temp-folder.ts'

const PIECES = 8

async function setUp() {
  const folder = await tempFolder('piece-log')
  const path = join(folder.path, 'map')
  const log = new PieceLog(new PieceMap(PIECES, 1))
  const handle = await open(path, 'w+')
  // What is never written by a save of other records.
  await handle.write(Buffer.alloc(PIECES * RECORD_BYTES, 0xaa))
  const disk: { failure: Error | undefined } = { failure: undefined }
  const file: IdleHandle = {
    use: async <T>(work: (handle: FileHandle) => Promise<T>) => {
      if (disk.failure !== undefined) throw disk.failure
      return work(handle)
    },
    close: () => Promise.resolve(),
  }
  const mark = (...pieces: readonly number[]) => {
    for (const piece of pieces) log.set(piece, 'written', new Uint8Array(32).fill(piece + 1))
  }
  /** For each record, whether the file has it as the log has it, or as it was before. */
  const found = async () => {
    const bytes = await readFile(path)
    return Array.from({ length: PIECES }, (_, piece) => {
      const record = bytes.subarray(piece * RECORD_BYTES, (piece + 1) * RECORD_BYTES)
      if (record.equals(Buffer.alloc(RECORD_BYTES, 0xaa))) return '-'
      return record.equals(log.bytes.subarray(piece * RECORD_BYTES, (piece + 1) * RECORD_BYTES)) ? 'new' : 'old'
    }).join(' ')
  }
  return {
    ...{ log, disk, mark, found, records: pieceLogFile(log, file) },
    async [Symbol.asyncDispose]() {
      await handle.close()
      await folder[Symbol.asyncDispose]()
    },
  }
}

test.each([
  ['one', [3], '- - - new - - - -'],
  ['neighbours', [4, 2, 3], '- - new new new - - -'],
  ['several far apart, and one twice', [7, 0, 5, 6, 0], 'new - - - - new new new'],
  ['none', [], '- - - - - - - -'],
])('records are written in their places, and no other is touched: %s', async (_, pieces, expected) => {
  await using scene = await setUp()
  scene.mark(...Array.from({ length: PIECES }, (_unused, piece) => piece))
  await scene.records.save(pieces)
  expect(await scene.found()).toBe(expected)
})

test('what was saved last is what the file has', async () => {
  await using scene = await setUp()
  scene.mark(1)
  const first = scene.records.save([1])
  scene.log.set(1, 'synced')
  await Promise.all([first, scene.records.save([1])])
  expect(await scene.found()).toBe('- new - - - - - -')
})

test('records may be saved again after a failure', async () => {
  await using scene = await setUp()
  scene.mark(0)
  scene.disk.failure = new Error('no room')
  await expect(scene.records.save([0])).rejects.toThrow('no room')
  scene.disk.failure = undefined
  await scene.records.save([0])
  expect(await scene.found()).toBe('new - - - - - - -')
})
