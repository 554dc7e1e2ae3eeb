import { once } from 'node:events'
import { Readable } from 'node:stream'
import { describe, expect, test } from '@jest/globals'
import { abortController, abortsWith } from '../../../lib/base/index.ts'

const silent = () => new Readable({ read: () => undefined })

describe('abortsWith', () => {
  test('destroys a stream when the signal fires', async () => {
    const stream = silent()
    const end = abortController()
    abortsWith(stream, end.signal)
    expect(stream.destroyed).toBe(false)
    end.abort('why')
    await expect(once(stream, 'data')).rejects.toMatchObject({ code: 'ABORTED', cause: 'why' })
  })

  test('destroys it at once when the signal has fired, and never when there is none', async () => {
    const [late, free] = [silent(), silent()]
    abortsWith(late, AbortSignal.abort('why'))
    abortsWith(free, undefined)
    await expect(once(late, 'data')).rejects.toMatchObject({ code: 'ABORTED', cause: 'why' })
    expect(free.destroyed).toBe(false)
  })

  test('waits on the signal no longer when the stream has closed', async () => {
    const stream = silent()
    const { signal } = abortController()
    let removed = 0
    const remove = signal.removeEventListener.bind(signal)
    signal.removeEventListener = (...args: Parameters<typeof remove>) => {
      removed += 1
      remove(...args)
    }
    abortsWith(stream, signal)
    stream.destroy()
    await once(stream, 'close')
    expect(removed).toBe(1)
  })
})
