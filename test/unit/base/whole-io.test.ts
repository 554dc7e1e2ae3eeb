import type { FileHandle } from 'node:fs/promises'
import { expect, test } from '@jest/globals'
import { readFully, writeFully } from '../../../lib/base/index.ts'

/** A file that reads or writes at most three bytes in each call. */
function slowFile(content: Uint8Array) {
  let end = 0
  const handle = {
    async write(bytes: Uint8Array, offset: number, length: number, position: number | null) {
      const at = position ?? end
      const taken = Math.min(3, length)
      content.set(bytes.subarray(offset, offset + taken), at)
      end = at + taken
      return { bytesWritten: taken }
    },
    async read(bytes: Uint8Array, offset: number, length: number, position: number) {
      const given = content.subarray(position, position + Math.min(3, length))
      bytes.set(given, offset)
      return { bytesRead: given.length }
    },
  }
  return handle as unknown as FileHandle
}

test('all bytes are written, however few of them the system takes at a time', async () => {
  const content = new Uint8Array(12)
  const file = slowFile(content)
  await writeFully(file, Uint8Array.of(1, 2, 3, 4), 0)
  await writeFully(file, Uint8Array.of(5, 6, 7, 8, 9))
  expect([...content]).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 0, 0])
})

test('all bytes are read that there are, however few of them the system gives at a time', async () => {
  const file = slowFile(Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8))
  const bytes = new Uint8Array(7)
  expect(await readFully(file, bytes, 0)).toBe(7)
  expect([...bytes]).toEqual([1, 2, 3, 4, 5, 6, 7])
  expect(await readFully(file, bytes, 4)).toBe(4)
})
