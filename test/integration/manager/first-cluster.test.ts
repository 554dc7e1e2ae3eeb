import { mkdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { managerSchema } from '../../../services/manager/config.ts'
import { managerLab } from '../../kit/manager/manager-lab.ts'
import { tempFolder } from '../../kit/temp-folder.ts'

const configOf = (tokenFile: string) => ({ clusters: { first: { name: 'here', tokenFile } } })

const tracker = (token: string) => ({
  ...{ token, kind: 'tracker', member: 'tracker-1', key: 'key-of-a-member-0123456789', version: '0', uptimeMs: 0 },
  urls: { ops: 'http://127.0.0.1:9', admin: 'http://127.0.0.1:9', http: 'http://127.0.0.1:9' },
})

test('the token of the first cluster is written to its file once, for its owner alone, and joins', async () => {
  await using folder = await tempFolder('first-cluster')
  const file = join(folder.path, 'join-token')
  await using lab = await managerLab({ config: configOf(file) })
  const token = (await readFile(file, 'utf8')).trim()
  expect((await stat(file)).mode & 0o777).toBe(0o600)
  const joined = async () => {
    const answer = await lab.ask('/api/v1/join', { method: 'POST', json: tracker(token) })
    return [answer.status, await answer.json()]
  }
  expect(await joined()).toEqual([200, expect.objectContaining({ cluster: 'here' })])
  await lab.restart()
  expect((await readFile(file, 'utf8')).trim()).toBe(token)
  expect((await lab.admin().joinTokens({ cluster: 'here' })).tokens).toMatchObject([{ name: 'config', state: 'valid' }])

  // Who writes another one there has it counted from the next start on.
  await writeFile(file, 'another-token-of-this-test\n')
  await lab.restart()
  const old = await lab.ask('/api/v1/join', { method: 'POST', json: { ...tracker(token), member: 'tracker-2' } })
  expect([old.status, await old.json()]).toEqual([403, { error: expect.objectContaining({ code: 'JOIN_REFUSED' }) }])
})

test('a file that holds no token, or cannot be made, is told at the start', async () => {
  await using folder = await tempFolder('first-cluster')
  const file = join(folder.path, 'join-token')
  await writeFile(file, 'short\n')
  const invalid = (why: string) => ({ code: 'CONFIG_INVALID', message: expect.stringContaining(why) })
  await expect(managerLab({ config: configOf(file) })).rejects.toMatchObject(invalid('holds no token'))
  await expect(managerLab({ config: configOf(join(folder.path, 'none', 'token')) })).rejects.toMatchObject(
    invalid('cannot be written'),
  )
  await mkdir(join(folder.path, 'folder'))
  await expect(managerLab({ config: configOf(join(folder.path, 'folder')) })).rejects.toMatchObject(
    invalid('cannot be read'),
  )
})

test('a token and its file are not both given', () => {
  const both = { name: 'here', token: 'a-token-of-this-test', tokenFile: '/token' }
  expect(managerSchema.safeParse({ clusters: { first: both } }).error?.issues).toMatchObject([
    { path: ['clusters', 'first', 'tokenFile'] },
  ])
})
