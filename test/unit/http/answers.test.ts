import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import { Readable } from 'node:stream'
import { expect, test } from '@jest/globals'
import { appError } from '../../../lib/base/index.ts'
import { sendStream } from '../../../lib/http/index.ts'

test('a source that fails by the signal that ends its answer is heard to the end', async () => {
  const controller = new AbortController()
  const { signal } = controller
  const body = new Readable({ read: () => undefined })
  signal.addEventListener('abort', () => body.destroy(appError('ABORTED')))
  const res = new ServerResponse(new IncomingMessage(new Socket()))
  const answered = expect(sendStream({ method: 'GET', res, signal }, { status: 200, headers: {}, body })).rejects
  controller.abort()
  // The error is emitted in the next turn of the event loop; without a listener it would end the process.
  expect(body.listenerCount('error')).toBeGreaterThan(0)
  await answered.toMatchObject({ code: 'ABORTED' })
  expect(body.errored).toMatchObject({ code: 'ABORTED' })
})
