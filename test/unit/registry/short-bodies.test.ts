import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { expect, test } from '@jest/globals'
import { deferred } from '../../../lib/base/index.ts'
import { parseRepository } from '../../../lib/core/index.ts'
import type { Exchange } from '../../../lib/http/index.ts'
import type { Uploads } from '../../../lib/registry/index.ts'
import { uploadStates } from '../../../lib/registry/signed-upload-state.ts'
import { uploadSessions } from '../../../lib/registry/upload-sessions.ts'

const repository = parseRepository('team/app')
const session = { id: 'one', member: 'origin-1', size: 0 }
const KIB = 1024

/** What a storage is given for a body that comes in these parts. */
async function given(parts: () => AsyncGenerator<Uint8Array>) {
  const source = deferred<Readable | Uint8Array>()
  const end = deferred()
  const uploads = {
    async append(_repository: unknown, _key: unknown, body: Readable | Uint8Array) {
      source.resolve(body)
      await end.promise
      return session
    },
  } as unknown as Uploads
  const traffic = { received: () => undefined, sent: () => undefined }
  const sessions = uploadSessions({ uploads, states: uploadStates('a secret'), traffic })
  const exchange = { req: { headers: {}, complete: false }, body: parts() } as unknown as Exchange
  const appended = sessions.append(exchange, repository, session)
  return {
    source: await source.promise,
    end: async () => {
      end.resolve()
      await appended
    },
  }
}

test('a short body whose parts come at once is given in one piece', async () => {
  const { source, end } = await given(async function* () {
    yield Buffer.alloc(KIB, 'a')
    yield Buffer.alloc(KIB, 'b')
  })
  expect(source).toEqual(Buffer.concat([Buffer.alloc(KIB, 'a'), Buffer.alloc(KIB, 'b')]))
  await end()
})

test('a body that stalls is given as it comes', async () => {
  const rest = deferred<Uint8Array>()
  const { source, end } = await given(async function* () {
    yield Buffer.from('first, ')
    yield await rest.promise
  })
  expect(source).toBeInstanceOf(Readable)
  rest.resolve(Buffer.from('second'))
  expect((await buffer(source as Readable)).toString()).toBe('first, second')
  await end()
})

test('a long body is given as it comes, though all of it is there', async () => {
  const { source, end } = await given(async function* () {
    for (let part = 0; part < 5; part += 1) yield Buffer.alloc(20 * KIB, String(part))
  })
  expect(source).toBeInstanceOf(Readable)
  const bytes = await buffer(source as Readable)
  expect([bytes.length, bytes[0], bytes.at(-1)]).toEqual([100 * KIB, 0x30, 0x34])
  await end()
})

test('what came before a failure is given first', async () => {
  const failure = new Error('the client has gone')
  const { source, end } = await given(async function* () {
    yield Buffer.from('first')
    throw failure
  })
  const came: string[] = []
  const read = async () => {
    for await (const chunk of source as AsyncIterable<Buffer>) came.push(chunk.toString())
  }
  await expect(read()).rejects.toMatchObject({ code: 'ABORTED', cause: failure })
  expect(came).toEqual(['first'])
  await end()
})
