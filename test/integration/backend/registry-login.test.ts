import { writeFile } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { fakeClock } from '../../../lib/base/index.ts'
import { cipherBytes } from '../../kit/cipher-bytes.ts'
import { answer, reset } from '../../kit/http-faults.ts'
import { tempFolder } from '../../kit/temp-folder.ts'
import { type TokenServer, tokenServer } from '../../kit/token-server.ts'
import { askForTokens, named, registryLab } from './registry-lab.ts'

const blob = cipherBytes('a blob behind a login', 700_000)
const { key } = named(blob)
const ann = { username: 'ann', password: 'secret' }
const users = { ann: 'secret' }
const scopesOf = (tokens: TokenServer) => tokens.given.map(({ scope }) => scope)
const PUSH = 'repository:behind/team/app:pull,push'
const PULL = 'repository:behind/team/app:pull'

describe('a registry that asks for tokens', () => {
  test('gets one for each scope, which is used for many requests', async () => {
    await using tokens = await tokenServer({ users })
    await using lab = await registryLab()
    askForTokens(lab.faults, tokens)
    const backend = await lab.backend(ann)
    await backend.write(key, blob, { size: blob.length })
    for (let i = 0; i < 3; i += 1) expect(await backend.stat(key)).toMatchObject({ size: blob.length })
    expect(tokens.given).toEqual([
      { method: 'GET', user: 'ann', scope: PUSH },
      { method: 'GET', user: 'ann', scope: PULL },
    ])
  })

  test('many requests at once share one login', async () => {
    await using tokens = await tokenServer({ users })
    await using lab = await registryLab()
    askForTokens(lab.faults, tokens)
    const backend = await lab.backend(ann)
    await Promise.all(Array.from({ length: 20 }, () => backend.stat(key)))
    expect(scopesOf(tokens)).toEqual([PULL])
  })

  test('a token that is refused in mid-upload is renewed, and the upload goes on', async () => {
    await using tokens = await tokenServer({ users })
    await using lab = await registryLab()
    askForTokens(lab.faults, tokens)
    const revoke = ({ method }: IncomingMessage) => {
      if (method === 'PATCH' && scopesOf(tokens).length === 1) tokens.revoke()
      return false
    }
    lab.faults.next({ where: revoke }, reset())
    const backend = await lab.backend(ann)
    await backend.write(key, blob, { size: blob.length })
    expect(scopesOf(tokens)).toEqual([PUSH, PUSH])
    expect(await backend.stat(key)).toMatchObject({ size: blob.length })
  })

  test('a token is renewed before it ends', async () => {
    const clock = fakeClock()
    await using tokens = await tokenServer({ users })
    await using lab = await registryLab({ clock })
    askForTokens(lab.faults, tokens)
    tokens.lifetimeSeconds = 100
    const backend = await lab.backend(ann)
    await backend.stat(key)
    await clock.advance(89_000)
    await backend.stat(key)
    expect(scopesOf(tokens)).toEqual([PULL])
    await clock.advance(2_000)
    await backend.stat(key)
    expect(scopesOf(tokens)).toEqual([PULL, PULL])
    expect(lab.faults.count('no token')).toBe(1)
  })

  test('an identity token is exchanged by POST', async () => {
    await using tokens = await tokenServer({ identities: { 'refresh-me': 'bob' } })
    await using lab = await registryLab()
    await using folder = await tempFolder('docker')
    askForTokens(lab.faults, tokens)
    const dockerConfig = join(folder.path, 'config.json')
    const host = new URL(lab.url).host
    await writeFile(dockerConfig, JSON.stringify({ auths: { [host]: { identitytoken: 'refresh-me' } } }))
    const backend = await lab.backend({ dockerConfig })
    await backend.write(key, blob, { size: blob.length })
    expect(tokens.given).toEqual([{ method: 'POST', user: 'bob', scope: PUSH }])
  })

  test('a token server that knows no GET is asked by POST', async () => {
    await using tokens = await tokenServer({ users })
    await using lab = await registryLab()
    askForTokens(lab.faults, tokens)
    tokens.faults.next({ method: 'GET' }, answer(405))
    const backend = await lab.backend(ann)
    expect(await backend.stat(key)).toBeUndefined()
    expect(tokens.given).toEqual([{ method: 'POST', user: 'ann', scope: PULL }])
  })

  test('without a user name public requests succeed, and others are denied', async () => {
    await using tokens = await tokenServer({ anonymous: ['pull'] })
    await using lab = await registryLab()
    askForTokens(lab.faults, tokens)
    const backend = await lab.backend()
    expect(await backend.stat(key)).toBeUndefined()
    await expect(backend.write(key, blob, { size: blob.length })).rejects.toMatchObject({ code: 'BACKEND_DENIED' })
  })

  test('a wrong password is denied, without another try', async () => {
    await using tokens = await tokenServer({ users })
    await using lab = await registryLab()
    askForTokens(lab.faults, tokens)
    const backend = await lab.backend({ username: 'ann', password: 'guessed' })
    await expect(backend.stat(key)).rejects.toMatchObject({ code: 'BACKEND_DENIED' })
    expect(lab.governor.requests.stat).toBe(1)
  })

  test('a token server that is away is an outage', async () => {
    await using tokens = await tokenServer({ users })
    await using lab = await registryLab()
    askForTokens(lab.faults, tokens)
    tokens.faults.next({ times: Number.POSITIVE_INFINITY }, reset())
    const backend = await lab.backend(ann)
    await expect(backend.stat(key)).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE' })
  })

  test('a login of an unknown kind is denied', async () => {
    await using lab = await registryLab()
    lab.faults.next({ times: 3 }, answer(401, { 'www-authenticate': 'Negotiate' }))
    const backend = await lab.backend(ann)
    await expect(backend.stat(key)).rejects.toMatchObject({ code: 'BACKEND_DENIED' })
  })
})
