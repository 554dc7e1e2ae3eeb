import { expect, test } from '@jest/globals'
import { appError } from '../../../../lib/base/index.ts'
import { sourceReadable } from '../../../../lib/swarm/torrent/reader.ts'

test('a stream that fails with nobody listening ends no process', () => {
  const source = { next: () => Promise.reject(appError('STALLED')), close: () => undefined }
  const { signal } = new AbortController()
  const stream = sourceReadable(source, { start: 0, end: 10 }, { signal })
  expect(stream.listenerCount('error')).toBeGreaterThan(0)
  stream.destroy()
})
