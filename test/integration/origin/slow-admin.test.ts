import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { expect, test } from '@jest/globals'
import { deferred, fakeClock } from '../../../lib/base/index.ts'
import { digestOf } from '../../../lib/core/index.ts'
import { type UpkeepRoutesComponents, upkeepRoutes } from '../../../services/origin/upkeep/upkeep-routes.ts'
import { httpPair } from '../../kit/http-pair.ts'

const path = `/blobs/${digestOf(Buffer.from('large'))}`

test.each([
  ['GET', path, 200],
  ['POST', `${path}/repair`, 200],
  ['DELETE', path, 204],
])('%s %s says that it is at work, since it may take longer than a caller waits', async (method, where, status) => {
  const clock = fakeClock()
  const asked = deferred()
  const work = deferred<never>()
  const slow = () => {
    asked.resolve()
    return work.promise
  }
  const parts = { keeper: { report: slow, evict: slow }, scrub: { verify: slow }, clock }
  await using pair = await httpPair(upkeepRoutes(parts as unknown as UpkeepRoutesComponents))
  const call = request(pair.url(where), { method, agent: false }).end()
  const interim: number[] = []
  call.on('information', ({ statusCode }) => interim.push(statusCode))
  await asked.promise
  await clock.advance(5_000)
  const answered = once(call, 'response') as Promise<[IncomingMessage]>
  work.resolve({} as never)
  const [answer] = await answered
  expect([...interim, answer.resume().statusCode]).toEqual([102, status])
})
