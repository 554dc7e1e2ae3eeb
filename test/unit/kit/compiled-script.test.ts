import { readdir, readFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { expect, test } from '@jest/globals'
import { compiledScript } from '../../kit/compiled-script.ts'

test('what is compiled imports nothing that is not, not even at run time', async () => {
  const program = await compiledScript('services/agent/main.ts')
  const folder = resolve(dirname(program), '..', '..')
  const code = (await readdir(folder, { recursive: true })).filter((path) => path.endsWith('.js'))
  expect(code.length).toBeGreaterThan(1000)
  const imports = /(?:from|import)\s*\(?\s*["']\.[^"']*\.ts["']/
  const left: string[] = []
  for (const path of code) if (imports.test(await readFile(join(folder, path), 'utf8'))) left.push(path)
  expect(left).toEqual([])
})
