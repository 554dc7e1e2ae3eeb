import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { parseTokenFile } from '../../../lib/identity/index.ts'
import { run } from '../../../services/cli/run.ts'
import { recordingHost } from '../../kit/recording-host.ts'
import { type TempFolder, tempFolder } from '../../kit/temp-folder.ts'

let folder: TempFolder
let file: string
beforeEach(async () => {
  folder = await tempFolder('token')
  file = join(folder.path, 'tokens')
})
afterEach(async () => folder[Symbol.asyncDispose]())

async function token(...argv: string[]) {
  const host = recordingHost()
  const exitCode = await run(['token', ...argv, '--file', file], host)
  return { exitCode, said: host.said === '' ? [] : host.said.split('\n'), complained: host.complained }
}
const create = (name: string, ...more: string[]) => token('create', name, '--allow', 'team/*=pull,push', ...more)

describe('shoal token', () => {
  test('makes a token, prints it once, and keeps only its hash, for the owner of the file alone', async () => {
    const { exitCode, said } = await create('build')
    expect([exitCode, said]).toEqual([0, [expect.stringMatching(/^shoal_[\w-]{43}$/)]])
    const text = await readFile(file, 'utf8')
    expect(text).not.toContain(said[0])
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    const [kept] = parseTokenFile(text)
    expect(kept).toMatchObject({ name: 'build', grants: [{ repositories: ['team/*'], actions: ['pull', 'push'] }] })
    const days = ((kept?.expiresMs ?? 0) - Date.now()) / 86_400_000
    expect(Math.round(days)).toBe(90)
  })

  test('lists and revokes', async () => {
    await create('build', '--expires', 'never')
    await create('old', '--expires', '0')
    expect((await token('list')).said).toEqual([
      'build  never  team/*=pull,push',
      expect.stringMatching(/^old {2}\S+ \(over\) {2}team/),
    ])
    expect((await token('revoke', 'old')).exitCode).toBe(0)
    expect((await token('list')).said).toHaveLength(1)
    const gone = await token('revoke', 'old')
    expect([gone.exitCode, gone.complained]).toEqual([2, expect.stringContaining('there is no token old')])
  })

  test.each([
    [['create', 'Build', '--allow', 'a=pull'], 'lower-case'],
    [['create', 'b', '--allow', 'a=fly'], 'the actions of a grant'],
    [['create', 'b', '--allow', 'a=pull', '--expires', 'soon'], 'not a duration'],
    [['create', 'b'], '--allow'],
  ])('%j is refused', async (argv, reason) => {
    const { exitCode, complained } = await token(...argv)
    expect([exitCode, complained]).toEqual([2, expect.stringContaining(reason)])
    await expect(readFile(file)).rejects.toThrow('ENOENT')
  })

  test('refuses while another one is at work, and leaves the file as it was', async () => {
    await create('build')
    const before = await readFile(file, 'utf8')
    await writeFile(`${file}.lock`, '')
    const { exitCode, complained } = await create('other')
    expect([exitCode, complained]).toEqual([2, expect.stringContaining('another shoal token changes')])
    expect(await readFile(file, 'utf8')).toBe(before)
    expect((await create('build')).exitCode).toBe(2)
  })

  test('many at once lose nothing', async () => {
    const made = await Promise.all(Array.from({ length: 8 }, (_, i) => create(`t${i}`)))
    const names = made.flatMap(({ exitCode }, i) => (exitCode === 0 ? [`t${i}`] : []))
    expect(names.length).toBeGreaterThan(0)
    expect(
      parseTokenFile(await readFile(file, 'utf8'))
        .map(({ name }) => name)
        .toSorted(),
    ).toEqual(names)
  })
})
