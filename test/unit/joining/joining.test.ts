import { createHash } from 'node:crypto'
import { createServer } from 'node:http'
import { describe, expect, test } from '@jest/globals'
import { deferred, fakeClock, hasCode } from '../../../lib/base/index.ts'
import { loadConfig } from '../../../lib/config/index.ts'
import { joining } from '../../../lib/joining/index.ts'
import { serviceRuntime } from '../../../lib/service/index.ts'
import { silentLogger, silentMetrics } from '../../../lib/telemetry/index.ts'
import { trackerDoor } from '../../../services/tracker/index.ts'
import { keptAlive } from '../../kit/kept-alive.ts'
import { listening } from '../../kit/listening.ts'

const configOf = (manager: object, more: readonly string[] = []) =>
  loadConfig(trackerDoor.schema, { overrides: [`manager=${JSON.stringify(manager)}`, ...more] })

const local = 'http://127.0.0.1:59001'
const away = 'http://manager.example.com:59001'

const credential = 'credential-of-a-test'
const refusal = { status: 403, body: { errors: [{ code: 'JOIN_REFUSED', message: 'another key' }] } }
const beatOf = (path: string) => ({ heartbeatMs: 1000, ...(path.endsWith('join') && { cluster: 'one', credential }) })

describe('the config key manager', () => {
  test.each([
    [{ url: local }, true],
    [{ url: 'https://manager.example.com:59001', token: 'x'.repeat(16) }, true],
    [{ url: away, insecure: true }, true],
    [{ url: away }, false],
    [{ url: local, advertise: { admin: 'http://10.0.0.1:1' } }, false],
    [{ url: local, advertise: { admin: 'https://10.0.0.1:1' } }, true],
    [{ url: local, token: 'x'.repeat(16), tokenFile: '/a' }, false],
    [{ url: local, token: 'short' }, false],
    [{ token: 'x'.repeat(16) }, false],
  ])('%j is taken: %s', async (manager, isTaken) => {
    const outcome = await configOf(manager).then(
      () => true,
      (err: unknown) => (hasCode(err, 'CONFIG_INVALID') ? false : err),
    )
    expect(outcome).toBe(isTaken)
  })

  const opened = ['ops.bind=0.0.0.0:1', 'admin.bind=0.0.0.0:2', 'http.bind=0.0.0.0:3']
  const advertise = { ops: 'https://t:1', admin: 'https://t:2', http: 'https://t:3' }

  test.each([
    [{}, 'CONFIG_INVALID'],
    [{ ...advertise, admin: undefined }, 'CONFIG_INVALID'],
    [advertise, undefined],
  ])('of listeners that are bound to all addresses has to say where they are: %j', async (given, code) => {
    const config = await configOf({ url: local, advertise: given }, opened)
    const runtime = serviceRuntime('tracker', config, { logger: silentLogger(), metrics: silentMetrics() })
    const make = () => joining(runtime, config, { kind: 'tracker', url: () => '' })
    if (code === undefined) expect(make().hosts).toEqual(['t', 't', 't'])
    else expect(make).toThrow(expect.objectContaining({ code }))
  })
})

test('without a manager nobody is known, and nothing runs', async () => {
  const config = await loadConfig(trackerDoor.schema, { overrides: [] })
  const runtime = serviceRuntime('tracker', config, { logger: silentLogger(), metrics: silentMetrics() })
  const none = joining(runtime, config, { kind: 'tracker', url: () => '' })
  await none.start()
  expect(none.knows({ headers: { authorization: 'Bearer ' } })).toBeUndefined()
  await none.stop()
})

test('a member tells the hash of its key, and joins again with that key when the manager knows another one', async () => {
  const said: { readonly path: string; readonly key?: string; readonly keySha256?: string }[] = []
  const enough = deferred()
  await using manager = await listening(
    createServer(keptAlive, (req, res) => {
      void req.toArray().then((chunks: Buffer[]) => {
        const path = req.url ?? ''
        said.push({ ...(JSON.parse(Buffer.concat(chunks).toString()) as object), path })
        if (said.length > 3) enough.resolve()
        const { status, body } = said.length === 2 ? refusal : { status: 200, body: beatOf(path) }
        res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
      })
    }),
  )
  const config = await configOf({ url: manager.url, token: 'x'.repeat(16) })
  const clock = { ...fakeClock(), sleep: () => new Promise<void>((resolve) => setImmediate(resolve)) }
  const runtime = serviceRuntime('tracker', config, { clock, logger: silentLogger(), metrics: silentMetrics() })
  const joined = joining(runtime, config, { kind: 'tracker', url: () => local })
  await joined.start()
  await enough.promise
  await joined.stop()
  expect(said.slice(0, 4).map(({ path }) => path.split('/').at(-1))).toEqual(['join', 'heartbeat', 'join', 'heartbeat'])
  const [first, beat, second] = said
  expect(second?.key).toBe(first?.key)
  const sha256 = createHash('sha256')
    .update(first?.key ?? '')
    .digest('hex')
  expect([beat?.keySha256, said[3]?.keySha256]).toEqual([sha256, sha256])
})
