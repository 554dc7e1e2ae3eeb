import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { type FakeClock, fakeClock } from '../../../lib/base/index.ts'
import { answer } from '../../kit/http-faults.ts'
import { type TempFolder, tempFolder } from '../../kit/temp-folder.ts'
import { type TosLab, tosLab } from '../../kit/tos-lab.ts'
import { TOS_KEY_ID } from '../../kit/tos-server/index.ts'

const denied = (reason: string) => ({ code: 'BACKEND_DENIED', detail: { reason } })

describe('the credentials in a request to TOS', () => {
  test.each([
    ['an unknown key', { accessKeyId: 'AKLTother', secretAccessKey: 's' }, 'InvalidAccessKeyId'],
    ['a wrong secret', { accessKeyId: TOS_KEY_ID, secretAccessKey: 'wrong' }, 'SignatureDoesNotMatch'],
    ['a token too many', { accessKeyId: TOS_KEY_ID, secretAccessKey: 's', securityToken: 't' }, 'InvalidSecurityToken'],
  ])('%s is BACKEND_DENIED, in one try', async (_, credentials, reason) => {
    await using lab = await tosLab({ config: { credentials } })
    await expect(lab.open().list('')).rejects.toMatchObject(denied(reason))
    expect(lab.server.faults.requests).toHaveLength(1)
  })

  test('a signature for another region is refused', async () => {
    await using lab = await tosLab({ config: { region: 'cn-shanghai' } })
    await expect(lab.open().list('')).rejects.toMatchObject(denied('SignatureDoesNotMatch'))
  })

  test('a clock that is off is named as the reason', async () => {
    await using lab = await tosLab({ clock: { now: () => Date.now() + 16 * 60_000 } })
    await expect(lab.open().list('')).rejects.toMatchObject(denied('RequestTimeTooSkewed'))
  })

  test('a domain of the bucket has keys for paths', async () => {
    await using lab = await tosLab({ customDomain: true, config: { customDomain: true } })
    await lab.open().write('a/b', Buffer.from('x'), { size: 1 })
    expect(lab.server.faults.requests[0]?.url).toBe('/a%2Fb')
    expect((await lab.open().list('')).keys).toEqual(['a/b'])
  })
})

describe('temporary credentials in a file', () => {
  let folder: TempFolder
  let file: string
  let clock: FakeClock
  let lab: TosLab

  /** Renews the keys as the program that renews them does. */
  const renew = async (name: string, more: object = {}) => {
    const text = JSON.stringify({ accessKeyId: name, secretAccessKey: 'secret', securityToken: `of-${name}`, ...more })
    await writeFile(`${file}.new`, text)
    await rename(`${file}.new`, file)
  }
  const accept = (...names: readonly string[]) => {
    lab.server.keys.clear()
    for (const name of names) {
      lab.server.keys.set(name, { secretAccessKey: 'secret', securityToken: `of-${name}` })
    }
  }

  beforeEach(async () => {
    folder = await tempFolder('tos')
    file = join(folder.path, 'credentials.json')
    clock = fakeClock()
    lab = await tosLab({ clientClock: clock, config: { credentials: { file } } })
  })
  afterEach(async () => {
    await lab[Symbol.asyncDispose]()
    await folder[Symbol.asyncDispose]()
  })

  const ask = async () => lab.api.objects.head('k', {})

  test('its token is sent, and credentials that changed are taken within ten seconds, without a restart', async () => {
    await renew('AKTP1')
    accept('AKTP1', 'AKTP2')
    await ask()
    await renew('AKTP2')
    await clock.advance(10_000)
    accept('AKTP2')
    const sent = lab.server.faults.requests.length
    await ask()
    expect(lab.server.faults.requests).toHaveLength(sent + 1)
  })

  test('a refusal makes us look at once, and the request is sent again', async () => {
    await renew('AKTP1')
    accept('AKTP1')
    await ask()
    await renew('AKTP2')
    accept('AKTP2')
    expect(await ask()).toBeUndefined()
  })

  test('so does a HEAD that is refused with 400, which has no body to say that the token has expired', async () => {
    await renew('AKTP1')
    accept('AKTP1')
    await ask()
    await renew('AKTP2')
    accept('AKTP2')
    const refused = lab.server.faults.next({ method: 'HEAD' }, answer(400))
    expect(await ask()).toBeUndefined()
    expect(refused.met).toBe(1)
  })

  test('a refusal without new credentials is final', async () => {
    await renew('AKTP1')
    accept('AKTP2')
    await expect(ask()).rejects.toMatchObject({ code: 'BACKEND_DENIED', detail: { status: 403 } })
    expect(lab.server.faults.requests).toHaveLength(1)
  })

  test('a file that is half written is read again later, and nothing of it is logged', async () => {
    await renew('AKTP1')
    accept('AKTP1')
    await ask()
    await writeFile(file, '{"accessKeyId":"AKTP2","secretAccessKey":top-sec')
    await clock.advance(10_000)
    await ask()
    expect(lab.logger.lines).toMatchObject([{ level: 'warn', fields: { file, reason: 'malformed' } }])
    expect(JSON.stringify(lab.logger.lines)).not.toContain('top-sec')
  })

  test.each([
    ['missing', undefined, 'ENOENT'],
    ['no JSON', 'AKTP1:secret', 'malformed'],
    ['without a secret', '{"accessKeyId":"AKTP1"}', 'malformed'],
  ])('a file that is %s from the start is BACKEND_DENIED, and found when it is right', async (_, text, reason) => {
    if (text !== undefined) await writeFile(file, text)
    await expect(ask()).rejects.toMatchObject(denied(reason))
    await renew('AKTP1')
    accept('AKTP1')
    expect(await ask()).toBeUndefined()
  })

  test('credentials that have ended are not sent, and looked for again at every request', async () => {
    const expiration = new Date(clock.now() + 5000).toISOString()
    await renew('AKTP1', { expiration })
    accept('AKTP1')
    await ask()
    await clock.advance(5000)
    const sent = lab.server.faults.requests.length
    await expect(ask()).rejects.toMatchObject({ code: 'BACKEND_DENIED', detail: { file, expiration } })
    expect(lab.server.faults.requests).toHaveLength(sent)
    await renew('AKTP1', { expiration: new Date(clock.now() + 5000).toISOString() })
    expect(await ask()).toBeUndefined()
  })
})
