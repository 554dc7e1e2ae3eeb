import { beforeEach, describe, expect, test } from '@jest/globals'
import { type Backend, memoryBackend } from '../../../lib/backend/index.ts'
import { appError, deferred } from '../../../lib/base/index.ts'
import { markCluster, requireAlone, takeOver } from '../../../services/origin/garbage/cluster-marks.ts'

const west = { id: '01', cluster: 'west' }
const east = { id: '02', cluster: 'east' }
const foreign = (...clusters: object[]) => ({ code: 'GARBAGE_FOREIGN', detail: { clusters } })

let backend: Backend
beforeEach(() => {
  backend = memoryBackend()
})

describe('a backend of blobs', () => {
  test('in which one cluster writes is its own, however often it says so', async () => {
    await expect(requireAlone(backend, west.id, {})).rejects.toMatchObject(foreign())
    expect(await markCluster(backend, west, {})).toEqual([])
    expect(await markCluster(backend, west, {})).toEqual([])
    await requireAlone(backend, west.id, {})
  })

  test('in which two clusters write is nobody’s: each is told of the other', async () => {
    await markCluster(backend, west, {})
    expect(await markCluster(backend, east, {})).toEqual([west])
    await expect(requireAlone(backend, west.id, {})).rejects.toMatchObject(foreign(east))
    await expect(requireAlone(backend, east.id, {})).rejects.toMatchObject(foreign(west))
  })

  test('that two clusters mark at the same time is nobody’s', async () => {
    const [written, both] = [deferred(), { left: 2 }]
    const slow: Backend = {
      ...backend,
      async write(...args) {
        const done = await backend.write(...args)
        both.left -= 1
        if (both.left === 0) written.resolve()
        await written.promise
        return done
      },
    }
    expect(await Promise.all([markCluster(slow, west, {}), markCluster(slow, east, {})])).toEqual([[east], [west]])
  })

  test('is taken over from a cluster that is gone, until that comes again', async () => {
    await markCluster(backend, west, {})
    await markCluster(backend, east, {})
    expect(await takeOver(backend, east, {})).toEqual([west])
    await requireAlone(backend, east.id, {})
    await expect(requireAlone(backend, west.id, {})).rejects.toMatchObject(foreign(east))
    await markCluster(backend, west, {})
    await expect(requireAlone(backend, east.id, {})).rejects.toMatchObject(foreign(west))
  })

  test('that keeps only contents is not marked, and nothing is removed there', async () => {
    const contents: Backend = { ...backend, list: () => Promise.reject(appError('UNSUPPORTED')) }
    expect(await markCluster(contents, west, {})).toEqual([])
    await expect(requireAlone(contents, west.id, {})).rejects.toMatchObject(foreign())
  })
})
