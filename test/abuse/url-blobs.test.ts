import { expect, test } from '@jest/globals'
import { openUrls, urlRulesSchema } from '../../lib/backend/index.ts'
import { systemClock, systemRandom } from '../../lib/base/index.ts'
import { parseWebUrl } from '../../lib/core/index.ts'
import { silentMetrics } from '../../lib/telemetry/index.ts'
import { fileServer } from '../kit/file-server.ts'
import { answer } from '../kit/http-faults.ts'

const components = { clock: systemClock(), random: systemRandom(), metrics: silentMetrics() }

test('a rule leads to no inner address and to no other port, in whatever form or by whatever redirect', async () => {
  await using web = await fileServer()
  web.files.set('a', Buffer.from('secret'))
  const port = Number(new URL(web.url).port)
  const limits = { attempts: 1 }
  const code = async (rule: object, host: string) => {
    const urls = openUrls(components, urlRulesSchema.parse([{ host: '*', ports: [port], limits, ...rule }]))
    await urls.start()
    try {
      const found = await urls.open(parseWebUrl(`http://${host}/a`), { known: undefined })
      found?.body.destroy()
      return 'found'
    } catch (err) {
      return (err as { code?: string }).code
    } finally {
      await urls.stop()
    }
  }
  for (const host of ['127.0.0.1', 'localhost', '0x7f.1', '[::ffff:7f00:1]', '[::1]']) {
    expect([host, await code({}, `${host}:${port}`)]).toEqual([host, 'BACKEND_UNAVAILABLE'])
  }
  const inner = { inner: true }
  expect(await code({ inner: true, ports: [port + 1] }, `127.0.0.1:${port}`)).toBe('BACKEND_UNAVAILABLE')
  expect(web.faults.requests).toEqual([])
  expect(await code(inner, `127.0.0.1:${port}`)).toBe('found')
  web.faults.next({}, answer(302, { location: 'http://169.254.169.254/latest' }))
  expect(await code(inner, `127.0.0.1:${port}`)).toBe('BACKEND_UNAVAILABLE')
  expect(await code({ inner: true, host: 'other.example' }, `127.0.0.1:${port}`)).toBe('URL_NOT_NAMED')
})
