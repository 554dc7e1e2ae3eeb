import { expect, test } from '@jest/globals'
import {
  adminClient,
  askingKinds,
  hashOfValues,
  noSteering,
  steeringWordClient,
  trackerAdmin,
} from '../../../lib/api/index.ts'
import { type Clock, systemClock } from '../../../lib/base/index.ts'
import { silentLogger } from '../../../lib/telemetry/index.ts'
import { trackerService } from '../../../services/tracker/index.ts'
import { buildResource } from '../../kit/resource-stack.ts'
import { disposableHttp } from '../../kit/scripted-server.ts'
import { agingClock } from '../../kit/shifted-clock.ts'
import { trackerConfig } from '../../kit/tracker-config.ts'

const report = {
  ...{ version: noSteering, hash: hashOfValues({}), state: 'applied' as const, runs: 0 },
  health: { done: 0, failed: 0, stalled: 0 },
}

const tracker = (clock: Clock = systemClock()) =>
  buildResource(async (stack) => {
    const service = trackerService({ logger: silentLogger(), clock }, await trackerConfig(stack))
    stack.own({ [Symbol.asyncDispose]: () => service.stop() })
    await service.start()
    const http = stack.own(disposableHttp())
    return {
      http,
      url: service.url,
      adminUrl: service.adminUrl,
      admin: adminClient(http, service.adminUrl, trackerAdmin),
    }
  })

test('an origin and a build-index of one name are both told, also where a page ends between them', async () => {
  await using it = await tracker()
  for (const member of ['a', 'one', 'z']) {
    for (const kind of askingKinds) {
      await steeringWordClient(it.http, it.url, kind).ask({ member, shoal: '1.0.0', report })
    }
  }
  for (const n of ['1', '3', '4']) {
    const seen: string[] = []
    let last: string | undefined
    do {
      const { hosts, next } = await it.admin.steeringHosts({ n, last })
      seen.push(...hosts.map(({ id, kind }) => `${id} ${kind}`))
      last = next
    } while (last !== undefined)
    expect(seen).toEqual(['a', 'one', 'z'].flatMap((id) => [`${id} build-index`, `${id} origin`]))
  }
})

test('says whether it is old enough to know all hosts, which is no change of what is held', async () => {
  const clock = agingClock()
  await using it = await tracker(clock)
  const seen = async () => {
    const answer = await it.http.request({ method: 'GET', url: `${it.adminUrl}/steering` })
    await answer.discard()
    return answer.headers['etag']
  }
  const before = await seen()
  expect(await it.admin.steering({})).toMatchObject({ isWhole: false })
  clock.forward(75_000)
  expect(await it.admin.steering({})).toMatchObject({ isWhole: true })
  expect([typeof before, await seen()]).toEqual(['string', before])
})
