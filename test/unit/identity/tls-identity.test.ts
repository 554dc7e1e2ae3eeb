import { chmod, writeFile } from 'node:fs/promises'
import { describe, expect, test } from '@jest/globals'
import { fakeClock } from '../../../lib/base/index.ts'
import { tlsIdentity } from '../../../lib/identity/index.ts'
import { recordingLogger, recordingMetrics } from '../../../lib/telemetry/index.ts'
import { eventually } from '../../kit/eventually.ts'
import { tempFolder } from '../../kit/temp-folder.ts'
import { testAuthority, tlsFolder } from '../../kit/tls-authority.ts'

const [ours, theirs] = [testAuthority('ours'), testAuthority('theirs')]
const DAY_MS = 24 * 60 * 60 * 1000

/** An identity from files of its own; it is stopped and they are removed at the end. */
async function identityLab(days = 90) {
  const folder = await tempFolder('tls')
  const files = await tlsFolder(folder.path, ours.issue({ days }), [ours])
  const parts = { clock: fakeClock(Date.now()), logger: recordingLogger(), metrics: recordingMetrics() }
  const identity = tlsIdentity(parts, files.config)
  return {
    ...{ ...parts, files, identity },
    reloads: (outcome: string) => parts.metrics.value('shoal_tls_reloads_total', { outcome }),
    /** Lets the next looks at the files happen until it holds. */
    untilSeen: (holds: () => void) =>
      eventually(async () => {
        await parts.clock.advance(5_000)
        holds()
      }),
    async [Symbol.asyncDispose]() {
      await identity.stop()
      await folder[Symbol.asyncDispose]()
    },
  }
}

describe('files of tls that change', () => {
  test('count from the next look on, both the certificate and the authorities', async () => {
    await using lab = await identityLab()
    await lab.identity.start()
    const before = lab.identity.now
    const next = theirs.issue()
    await lab.files.write(next, [ours, theirs])
    await lab.untilSeen(() => expect(lab.identity.now.certificate).toBe(next.certificate))
    expect(lab.identity.now.key).toBe(next.key)
    expect(lab.identity.now.authorities.join('')).toContain(theirs.certificate)
    expect(lab.reloads('taken')).toBe(1)
    // Who holds the old ones still has them whole.
    expect(before.certificate).not.toBe(next.certificate)
  })

  test('stay the same object while nothing changes', async () => {
    await using lab = await identityLab()
    await lab.identity.start()
    const before = lab.identity.now
    await lab.clock.advance(60_000)
    expect(lab.identity.now).toBe(before)
    expect([lab.reloads('taken'), lab.reloads('refused')]).toEqual([0, 0])
  })

  test.each<
    [string, (files: { certificate: string; key: string; authorities: readonly string[] }) => Promise<void>, string]
  >([
    [
      'a certificate whose key has not come yet',
      ({ certificate }) => writeFile(certificate, ours.issue().certificate),
      'is not that of',
    ],
    [
      'half a certificate',
      ({ certificate }) => writeFile(certificate, ours.certificate.slice(0, 300)),
      'no certificate in PEM',
    ],
    ['a key that others may read', ({ key }) => chmod(key, 0o644), 'every user'],
    [
      'an authority that is none',
      ({ authorities: [ca = ''] }) => writeFile(ca, ours.issue().certificate),
      'no certificate authority',
    ],
  ])('do not count with %s; it is told once', async (_, change, reason) => {
    await using lab = await identityLab()
    await lab.identity.start()
    const before = lab.identity.now
    await change(lab.files.config)
    await lab.untilSeen(() => expect(lab.reloads('refused')).toBe(1))
    await lab.clock.advance(30_000)
    expect(lab.reloads('refused')).toBe(1)
    expect(lab.identity.now).toBe(before)
    const told = lab.logger.lines.filter(({ level }) => level === 'error')
    expect(told).toHaveLength(1)
    expect(told[0]?.message).toBe('the changed files of tls cannot be used; those from before stay')
    expect(told[0]?.fields).toMatchObject({ err: { message: expect.stringContaining(reason) }, days: 89 })
    await chmod(lab.files.config.key, 0o600)
    const next = ours.issue()
    await lab.files.write(next, [ours])
    await lab.untilSeen(() => expect(lab.identity.now.certificate).toBe(next.certificate))
  })
})

test('the days that are left are a metric, and are warned of once a day at the end', async () => {
  await using lab = await identityLab(16)
  await lab.identity.start()
  const days = () => lab.metrics.value('shoal_tls_certificate_days', {})
  const warnings = () => lab.logger.lines.filter(({ level }) => level === 'warn').length
  expect([days(), warnings()]).toEqual([15, 0])
  for (const [left, told] of [
    [14, 1],
    [13, 2],
  ]) {
    await lab.clock.advance(DAY_MS - 60_000)
    await lab.untilSeen(() => expect([days(), warnings()]).toEqual([left, told]))
  }
})

test('a start with files that do not fit together fails, and names them', async () => {
  await using lab = await identityLab(-0.001)
  const failure = { code: 'CONFIG_INVALID', message: expect.stringContaining('has ended') }
  await expect(lab.identity.start()).rejects.toMatchObject(failure)
  await writeFile(lab.files.config.key, 'nothing')
  await expect(lab.identity.start()).rejects.toMatchObject({ message: expect.stringContaining(lab.files.config.key) })
})
