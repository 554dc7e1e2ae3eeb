import { describe, expect, test } from '@jest/globals'
import { type Deferred, deferred } from '../../../lib/base/index.ts'
import { PieceMap } from '../../../lib/core/index.ts'
import type { IdleHandle } from '../../../lib/store/disk/idle-handles.ts'
import { PieceLog, RECORD_BYTES } from '../../../lib/store/disk/piece-log.ts'
import { pieceLogFile } from '../../../lib/store/disk/piece-log-file.ts'

/** A file whose writes wait until the test lets them continue. */
function gatedFile(size: number) {
  const content = Buffer.alloc(size)
  const gates: Deferred<void>[] = []
  const handle = {
    async write(bytes: Uint8Array, offset: number, length: number, position: number) {
      const gate = deferred()
      gates.push(gate)
      await gate.promise
      content.set(bytes.subarray(offset, offset + length), position)
      return { bytesWritten: length }
    },
  }
  const file: IdleHandle = { use: (work) => work(handle as never), close: () => Promise.resolve() }
  const settle = () => new Promise<void>((resolve) => setImmediate(resolve))
  return { content, gates, file, settle }
}

describe('records on their way to the file', () => {
  test('wait for the write under way, and go out together in the next', async () => {
    const { content, gates, file, settle } = gatedFile(4 * RECORD_BYTES)
    const log = new PieceLog(new PieceMap(4, 1))
    const records = pieceLogFile(log, file)
    const mark = (piece: number) => {
      log.set(piece, 'written', new Uint8Array(32).fill(piece + 1))
      return records.save(piece, piece)
    }
    const first = mark(1)
    await settle()
    let done = false
    const later = Promise.all([mark(0), mark(3)]).then(() => {
      done = true
    })
    await settle()
    expect(gates).toHaveLength(1)
    gates[0]?.resolve()
    await first
    await settle()
    expect([gates.length, done]).toEqual([2, false])
    gates[1]?.resolve()
    await later
    expect(Buffer.compare(content, log.bytes)).toBe(0)
  })

  test('may be saved again after a failure', async () => {
    const { content, gates, file, settle } = gatedFile(RECORD_BYTES)
    const log = new PieceLog(new PieceMap(1, 1))
    const records = pieceLogFile(log, file)
    log.set(0, 'written', new Uint8Array(32).fill(7))
    const refused = expect(records.save(0, 0)).rejects.toThrow('no room')
    await settle()
    gates[0]?.reject(new Error('no room'))
    await refused
    const again = records.save(0, 0)
    await settle()
    gates[1]?.resolve()
    await again
    expect(content[32]).toBe(1)
  })
})
