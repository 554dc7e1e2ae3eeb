import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { afterAll, describe, expect, test } from '@jest/globals'
import { fakeClock } from '../../../../lib/base/index.ts'
import { outcomeOf } from '../../../../lib/http/forward/inspect.ts'
import { recordingLogger, recordingMetrics } from '../../../../lib/telemetry/index.ts'
import { tlsInspection } from '../../../../services/agent/forward/inspection.ts'
import { selfSigned } from '../../../kit/certificate.ts'
import { eventually } from '../../../kit/eventually.ts'
import { tempFolder } from '../../../kit/temp-folder.ts'
import { type TestAuthority, testAuthority } from '../../../kit/tls-authority.ts'

const DAY_MS = 24 * 60 * 60 * 1000
const folder = await tempFolder('inspection')
afterAll(async () => folder[Symbol.asyncDispose]())
const files = { certificate: join(folder.path, 'ca.crt'), key: join(folder.path, 'ca.key') }
const write = async (
  mode = 0o600,
  { certificate, key }: Pick<TestAuthority, 'certificate' | 'key'> = testAuthority(),
) => {
  await writeFile(files.certificate, certificate)
  await rm(files.key, { force: true })
  await writeFile(files.key, key, { mode })
  return key
}

/** Nothing of the keys is said: whoever has one can pass for every host towards the clients. */
function expectSecret(keys: readonly string[], said: unknown) {
  const text = inspect(said, { depth: Number.POSITIVE_INFINITY, maxArrayLength: null, maxStringLength: null })
  const lines = keys.flatMap((key) => key.split('\n').filter((line) => line.length > 20 && !line.startsWith('-')))
  expect(lines.length).toBeGreaterThanOrEqual(keys.length)
  for (const line of lines) expect(text).not.toContain(line)
}

function lab() {
  const [clock, logger, metrics] = [fakeClock(Date.now()), recordingLogger(), recordingMetrics()]
  const made = tlsInspection({ clock, logger, metrics }, { hosts: ['*.example'], ca: files }, new WeakMap())
  if (made === undefined) throw new Error('nothing is looked into')
  const inspection = made
  const door = (host: string) => inspection.doorFor({ host, port: 443, hasPort: true, scheme: 'tunnel', path: '' })
  return { clock, logger, metrics, inspection, door }
}

describe('certificates of hosts that are looked into', () => {
  test('are kept for a bounded number of hosts, and for half a day', async () => {
    await write()
    const { inspection, door, clock } = lab()
    await inspection.start()
    const [first, second] = [door('0.example'), door('1.example')]
    for (let at = 2; at < 257; at += 1) door(`${at}.example`)
    expect(door('1.example')).toBe(second)
    expect(door('0.example')).not.toBe(first)
    const last = door('256.example')
    expect(door('256.example')).toBe(last)
    await clock.advance(DAY_MS / 2)
    expect(door('256.example')).not.toBe(last)
    expect(door('other.test')).toBeUndefined()
    await inspection.stop()
  })

  test('are of the authority that is in the files now; while it has ended there are none, and tunnels are tunnels', async () => {
    const keys = [await write()]
    const { inspection, door, clock, logger, metrics } = lab()
    await inspection.start()
    const before = door('a.example')
    keys.push(await write())
    await clock.advance(5_000)
    await eventually(async () => {
      await clock.advance(5_000)
      expect(metrics.value('shoal_forward_authority_reloads_total', { outcome: 'taken' })).toBe(1)
    })
    expect(door('a.example')).not.toBe(before)
    const { key } = testAuthority('another')
    await writeFile(files.key, key)
    await eventually(async () => {
      await clock.advance(5_000)
      expect(metrics.value('shoal_forward_authority_reloads_total', { outcome: 'refused' })).toBe(1)
    })
    expect(door('a.example')).toBeDefined()
    await inspection.stop()
    await clock.advance(101 * DAY_MS)
    expect([door('a.example'), door('a.example')]).toEqual([undefined, undefined])
    expect(metrics.value('shoal_forward_inspected_total', { outcome: 'not_permitted' })).toBe(2)
    expect(logger.lines.filter(({ level }) => level === 'warn')).toHaveLength(1)
    expect(logger.lines.map(({ level }) => level)).toEqual(expect.arrayContaining(['info', 'error']))
    expectSecret([...keys, key], logger.lines)
  })

  test('are none for a host that the authority may not sign for', async () => {
    await write(0o600, selfSigned({ permitted: 'one.example' }))
    const { inspection, door, metrics } = lab()
    await inspection.start()
    expect([door('a.one.example'), door('two.example')]).toEqual([expect.anything(), undefined])
    expect(metrics.value('shoal_forward_inspected_total', { outcome: 'not_permitted' })).toBe(1)
    await inspection.stop()
  })

  test('a start with the key of another one fails, and says nothing of it', async () => {
    await write()
    const { key } = testAuthority('another')
    await writeFile(files.key, key)
    const { inspection, logger } = lab()
    const failure = await inspection.start().catch((err: unknown) => err)
    expect(failure).toMatchObject({ code: 'CONFIG_INVALID', message: expect.stringContaining('is not that of') })
    expectSecret([key], [failure, logger.lines])
  })

  test('a start with a key that everybody may read fails, and names it', async () => {
    await write(0o644)
    await expect(lab().inspection.start()).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining(files.key),
    })
  })
})

test.each([
  [{ detail: { late: true } }, undefined, 'late'],
  [{ detail: { name: true } }, undefined, 'other_name'],
  [{}, 'ERR_SSL_TLSV1_ALERT_UNKNOWN_CA', 'distrusted'],
  [{}, 'ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN', 'distrusted'],
  [{}, 'ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE', 'distrusted'],
  [{}, 'ERR_SSL_NO_SHARED_CIPHER', 'failed'],
  [{}, 'ECONNRESET', 'left'],
  [{}, undefined, 'left'],
] as const)('a handshake that failed with %j and %s is told as %s', (err, code, expected) => {
  expect(outcomeOf({ detail: undefined, ...err, cause: { code } })).toBe(expected)
})
