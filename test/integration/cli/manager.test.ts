import { stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { run } from '../../../services/cli/run.ts'
import { recordingHost } from '../../kit/recording-host.ts'
import { tempFolder } from '../../kit/temp-folder.ts'

const shoal = async (...words: readonly string[]) => {
  const host = recordingHost()
  const code = await run(words, host)
  return { code, said: host.said.trim(), complained: host.complained.trim() }
}

test('a backup of a manager is restored elsewhere, and the first admin is told his link', async () => {
  await using folder = await tempFolder('cli')
  const at = (name: string) => join(folder.path, name)
  for (const name of ['one', 'two', 'three']) await writeFile(at(`${name}.yaml`), `folder: ${at(name)}\n`)
  const config = (name: string) => ['--config', at(`${name}.yaml`)]
  const link = await shoal('manager', 'first-admin', ...config('one'))
  expect(link).toMatchObject({
    code: 0,
    said: expect.stringMatching(/^http:\/\/127\.0\.0\.1:59001\/welcome#[\w-]{43}$/),
  })

  const made = await shoal('manager', 'backup', at('b.jsonl'), ...config('one'))
  expect(made).toMatchObject({ code: 0, said: `3 rows are in ${at('b.jsonl')}` })
  expect((await stat(at('b.jsonl'))).mode & 0o777).toBe(0o600)
  const again = await shoal('manager', 'backup', at('b.jsonl'), ...config('one'))
  expect(again.code).not.toBe(0)
  expect((await stat(at('b.jsonl'))).size).toBeGreaterThan(0)

  const restored = await shoal('manager', 'restore', at('b.jsonl'), ...config('two'))
  expect(restored).toMatchObject({ code: 0, said: '3 rows were restored' })
  await writeFile(at('cut.jsonl'), '{"form":"shoal-manager-backup-1","steps":["0001-audit"]}\n')
  const cut = await shoal('manager', 'restore', at('cut.jsonl'), ...config('three'))
  expect(cut).toMatchObject({ code: 1, complained: expect.stringContaining('BACKUP_INVALID') })
  const missing = await shoal('manager', 'restore', at('nowhere.jsonl'), ...config('three'))
  expect(missing.code).toBe(1)
  expect(await shoal('manager', 'restore', ...config('three'))).toMatchObject({ code: 2 })
})
