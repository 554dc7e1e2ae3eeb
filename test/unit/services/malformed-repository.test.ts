import { expect, test } from '@jest/globals'
import { digestOf } from '../../../lib/core/index.ts'
import type { Exchange, Route } from '../../../lib/http/index.ts'
import { blobRoute } from '../../../services/agent/server.ts'
import { buildIndexServerRoutes } from '../../../services/build-index/server.ts'
import { originServerRoutes } from '../../../services/origin/server.ts'
import { trackerServerRoutes } from '../../../services/tracker/server.ts'

/** Components that may be destructured, but not called. */
function untouched(): never {
  const part: object = new Proxy(() => undefined, {
    get: () => part,
    apply() {
      throw new Error('the name went past the edge')
    },
  })
  return part as never
}

const routes: readonly (readonly [string, Route])[] = Object.entries({
  origin: originServerRoutes(untouched(), { memberId: 'origin-1' }),
  tracker: trackerServerRoutes(untouched()),
  'build-index': buildIndexServerRoutes(untouched(), untouched()),
  agent: [blobRoute(untouched())],
}).flatMap(([service, all]) => all.map((route) => [service, route] as const))

const ofRepositories = routes
  .filter(([, { path }]) => /:(namespace|repository)\b/.test(path))
  .map(([service, route]) => [service, route.methods.join(' '), route.path, route] as const)

test('every service has such routes', () => {
  expect(new Set(ofRepositories.map(([service]) => service))).toEqual(new Set(routes.map(([service]) => service)))
})

const malformed = ['', 'A', '../etc', 'a/../b', 'a//b', 'a:b', './a', 'docker.io', 'Docker.io/a', 'host:0/a', 'a\n']

test.each(ofRepositories)('%s: %s %s refuses a malformed repository before anything else', async (...row) => {
  const [, methods, , route] = row
  for (const text of malformed) {
    const exchange = {
      method: methods.split(' ')[0],
      params: { namespace: text, repository: text, digest: digestOf(Buffer.from('a')), id: 'id', tag: 'latest' },
      query: new URLSearchParams({ digest: digestOf(Buffer.from('a')) }),
      req: { headers: {} },
      signal: new AbortController().signal,
    } as unknown as Exchange
    const answer = (async () => route.handle(exchange))()
    await expect(answer).rejects.toMatchObject({ code: 'NAME_INVALID', status: 400 })
  }
})
