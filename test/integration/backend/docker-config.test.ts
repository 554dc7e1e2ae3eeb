import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { HELPER_TIMEOUT_MS } from '../../../lib/backend/registry/credential-helper.ts'
import { dockerConfigCredentials } from '../../../lib/backend/registry/docker-config.ts'
import { fakeClock, systemClock } from '../../../lib/base/index.ts'
import { searchPath } from '../../kit/clients/requirements.ts'
import { eventually } from '../../kit/eventually.ts'
import { buildResource } from '../../kit/resource-stack.ts'
import { tempFolder } from '../../kit/temp-folder.ts'

const base64 = (text: string) => Buffer.from(text).toString('base64')
const ann = { kind: 'password', username: 'ann', password: 'se:cret' }

/** A folder with a docker config and the credential helpers that it names. */
function dockerFolder(config: unknown, helpers: Readonly<Record<string, string>> = {}) {
  return buildResource(async (stack) => {
    const folder = stack.own(await tempFolder('docker'))
    const file = join(folder.path, 'config.json')
    await writeFile(file, typeof config === 'string' ? config : JSON.stringify(config))
    for (const [name, script] of Object.entries(helpers)) {
      const program = join(folder.path, `docker-credential-${name}`)
      await writeFile(program, `#!/bin/sh\n${script}\n`)
      await chmod(program, 0o755)
    }
    const env = { PATH: `${folder.path}:${searchPath}`, FOLDER: folder.path }
    const find = (host: string, clock = systemClock(), options = {}) =>
      dockerConfigCredentials({ clock, env }, { file, host }).find(options)
    return { find, path: folder.path }
  })
}

/** A helper that prints a login of `user`; its secret is the server that the helper was asked for. */
const printing = (user: string) => `read -r server; printf '{"Username":"${user}","Secret":"%s"}' "$server"`

describe('the config of docker', () => {
  test.each([
    ['an auth', 'r.test:5000', { 'r.test:5000': { auth: base64('ann:se:cret') } }, ann],
    ['a name and password', 'r.test', { 'r.test': { username: 'ann', password: 'se:cret' } }, ann],
    ['an old entry that is a URL', 'r.test', { 'https://r.test/v1/': { auth: base64('ann:se:cret') } }, ann],
    ["docker's hub", 'registry-1.docker.io', { 'https://index.docker.io/v1/': { auth: base64('ann:se:cret') } }, ann],
    ['an identity token', 'r.test', { 'r.test': { auth: '', identitytoken: 't' } }, { kind: 'identity', token: 't' }],
    ['nothing for another port', 'r.test:5001', { 'r.test:5000': { auth: base64('ann:se:cret') } }, undefined],
    ['nothing for an empty entry', 'r.test', { 'r.test': {} }, undefined],
  ])('gives %s', async (_, host, auths, login) => {
    await using docker = await dockerFolder({ auths })
    expect(await docker.find(host)).toEqual(login)
  })

  test('the helper of the host goes before the helper of all, and that before the file', async () => {
    const config = {
      auths: {
        'a.test': { auth: base64('file:x') },
        'b.test': { auth: base64('file:x') },
        'c.test': { auth: base64('file:x') },
      },
      credHelpers: { 'a.test': 'one' },
      credsStore: 'all',
    }
    const all = `read -r server; [ "$server" = c.test ] && { echo 'credentials not found in native keychain'; exit 1; }; printf '{"Username":"all","Secret":"%s"}' "$server"`
    await using docker = await dockerFolder(config, { one: printing('one'), all })
    expect(await docker.find('a.test')).toEqual({ kind: 'password', username: 'one', password: 'a.test' })
    expect(await docker.find('b.test')).toEqual({ kind: 'password', username: 'all', password: 'b.test' })
    expect(await docker.find('c.test')).toEqual({ kind: 'password', username: 'file', password: 'x' })
  })

  test('a helper may give an identity token', async () => {
    await using docker = await dockerFolder({ credsStore: 'x' }, { x: printing('<token>') })
    expect(await docker.find('r.test')).toEqual({ kind: 'identity', token: 'r.test' })
  })

  test('a secret that a helper rotates is used at the next login', async () => {
    const script = `printf '{"Username":"ann","Secret":"%s"}' "$(cat "$FOLDER/secret")"`
    await using docker = await dockerFolder({ credsStore: 'x' }, { x: script })
    for (const secret of ['old', 'new']) {
      await writeFile(join(docker.path, 'secret'), secret)
      expect(await docker.find('r.test')).toMatchObject({ password: secret })
    }
  })

  test.each([
    ['fails', 'echo secret >&2; exit 3'],
    ['prints no JSON', 'echo secret'],
    ['prints no login', 'echo {}'],
    ['prints without end', 'while :; do echo secret; done'],
  ])('a helper that %s is an outage that says nothing of what it printed', async (_, script) => {
    await using docker = await dockerFolder({ credsStore: 'x' }, { x: script })
    const failure: unknown = await docker.find('r.test').catch((err: unknown) => err)
    expect(failure).toMatchObject({ code: 'BACKEND_UNAVAILABLE', detail: { helper: 'x' } })
    expect(JSON.stringify(failure, Object.getOwnPropertyNames(failure))).not.toContain('secret')
  })

  test('a helper that is not installed is an outage', async () => {
    await using docker = await dockerFolder({ credsStore: 'missing-here' })
    await expect(docker.find('r.test')).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE' })
  })

  test('a helper that never ends is killed after its time', async () => {
    const clock = fakeClock()
    await using docker = await dockerFolder({ credsStore: 'x' }, { x: 'echo $$ > "$FOLDER/pid"; exec sleep 1000' })
    const finding = docker.find('r.test', clock)
    finding.catch(() => undefined)
    await eventually(() => expect(clock.pending).toBe(1))
    await clock.advance(HELPER_TIMEOUT_MS)
    await expect(finding).rejects.toMatchObject({
      code: 'BACKEND_UNAVAILABLE',
      detail: { timeoutMs: HELPER_TIMEOUT_MS },
    })
  })

  test('an abort kills the helper', async () => {
    const controller = new AbortController()
    await using docker = await dockerFolder({ credsStore: 'x' }, { x: 'exec sleep 1000' })
    const finding = docker.find('r.test', systemClock(), { signal: controller.signal })
    controller.abort()
    await expect(finding).rejects.toMatchObject({ code: 'ABORTED' })
  })

  test.each(['../x', '-x', 'a b', '', 7])('%j is no name of a helper', async (credsStore) => {
    await using docker = await dockerFolder({ credsStore })
    await expect(docker.find('r.test')).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
  })

  test.each(['{', '{"auths":{"r.test":{"auth":"c2VjcmV0"}}}'])(
    'a malformed file %j is told without its content',
    async (text) => {
      await using docker = await dockerFolder(text)
      const failure: unknown = await docker.find('r.test').catch((err: unknown) => err)
      expect(failure).toMatchObject({ code: 'CONFIG_INVALID' })
      expect(JSON.stringify(failure, Object.getOwnPropertyNames(failure))).not.toContain('c2VjcmV0')
    },
  )
})
