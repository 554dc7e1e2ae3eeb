import { X509Certificate } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { run } from '../../../services/cli/run.ts'
import { recordingHost } from '../../kit/recording-host.ts'
import { tempFolder } from '../../kit/temp-folder.ts'

async function caLab() {
  const folder = await tempFolder('ca')
  const at = (...names: readonly string[]) => join(folder.path, ...names)
  const shoal = async (...argv: readonly string[]) => {
    const host = recordingHost()
    return {
      code: await run(['ca', ...argv], host),
      said: host.said,
      complaints: host.complained,
    }
  }
  return { at, shoal, [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() }
}

const certificateIn = async (file: string) => new X509Certificate(await readFile(file))

describe('shoal ca', () => {
  test('makes an authority, and certificates for both sides of TLS that name their hosts', async () => {
    await using lab = await caLab()
    expect(await lab.shoal('init', '--out', lab.at('ca'), '--name', 'east')).toMatchObject({ code: 0 })
    const issued = await lab.shoal(
      'issue',
      '--ca',
      lab.at('ca'),
      '--out',
      lab.at('one'),
      '--host',
      'one.example',
      '--host',
      '10.0.0.7',
    )
    expect(issued).toMatchObject({ code: 0, said: expect.stringContaining('one.example, 10.0.0.7, localhost') })
    const [ca, leaf] = [await certificateIn(lab.at('ca', 'ca.crt')), await certificateIn(lab.at('one', 'tls.crt'))]
    expect([ca.ca, ca.subject, ca.checkIssued(ca), ca.verify(ca.publicKey)]).toEqual([true, 'CN=east', true, true])
    expect([leaf.ca, leaf.subject, leaf.checkIssued(ca), leaf.verify(ca.publicKey)]).toEqual([
      false,
      'CN=one.example',
      true,
      true,
    ])
    expect([leaf.checkHost('one.example'), leaf.checkHost('two.example')]).toEqual(['one.example', undefined])
    expect([leaf.checkIP('10.0.0.7'), leaf.checkIP('::1'), leaf.checkIP('10.0.0.8')]).toEqual([
      '10.0.0.7',
      '::1',
      undefined,
    ])
    expect(leaf.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2'])
    const days = (Date.parse(leaf.validTo) - Date.now()) / (24 * 60 * 60 * 1000)
    expect(Math.round(days)).toBe(90)
  })

  test('writes keys that only their owner reads', async () => {
    await using lab = await caLab()
    await lab.shoal('init', '--out', lab.at('ca'))
    await lab.shoal('issue', '--ca', lab.at('ca'), '--out', lab.at('one'), '--host', 'one.example')
    const modes = await Promise.all(
      [lab.at('ca', 'ca.key'), lab.at('one', 'tls.key')].map(async (file) => (await stat(file)).mode & 0o777),
    )
    expect(modes).toEqual([0o600, 0o600])
  })

  test('overwrites nothing', async () => {
    await using lab = await caLab()
    await lab.shoal('init', '--out', lab.at('ca'))
    await lab.shoal('issue', '--ca', lab.at('ca'), '--out', lab.at('one'), '--host', 'one.example')
    const files = [lab.at('ca', 'ca.crt'), lab.at('ca', 'ca.key'), lab.at('one', 'tls.crt'), lab.at('one', 'tls.key')]
    const texts = () => Promise.all(files.map((file) => readFile(file, 'utf8')))
    const before = await texts()
    for (const again of [
      await lab.shoal('init', '--out', lab.at('ca')),
      await lab.shoal('issue', '--ca', lab.at('ca'), '--out', lab.at('one'), '--host', 'one.example'),
    ])
      expect(again).toMatchObject({ code: 2, complaints: expect.stringContaining('is there already') })
    expect(await texts()).toEqual(before)
  })

  test.each<[string, readonly string[], string]>([
    ['a host with a port', ['--host', 'one.example:443'], 'without a port'],
    ['a life of years', ['--host', 'one.example', '--valid', '3650d'], 'at most 397d'],
    ['no life', ['--host', 'one.example', '--valid', '0s'], 'at most 397d'],
  ])('refuses %s', async (_, flags, reason) => {
    await using lab = await caLab()
    await lab.shoal('init', '--out', lab.at('ca'))
    const issued = await lab.shoal('issue', '--ca', lab.at('ca'), '--out', lab.at('one'), ...flags)
    expect(issued).toMatchObject({ code: 2, complaints: expect.stringContaining(reason) })
  })

  test('issues nothing that outlives its authority, or without one', async () => {
    await using lab = await caLab()
    await lab.shoal('init', '--out', lab.at('ca'), '--valid', '30d')
    const issue = (ca: string) => lab.shoal('issue', '--ca', ca, '--out', lab.at('one'), '--host', 'one.example')
    expect(await issue(lab.at('ca'))).toMatchObject({
      code: 2,
      complaints: expect.stringContaining('before the new certificate'),
    })
    expect(await issue(lab.at('nothing'))).toMatchObject({
      code: 2,
      complaints: expect.stringContaining('see shoal ca init'),
    })
  })
})
