import { readdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { expect, test } from '@jest/globals'
import { compiledScript } from '../../kit/compiled-script.ts'

test('a script is compiled with all that it imports, also at run time; what is left are files that are there', async () => {
  const program = await compiledScript('services/agent/main.ts')
  const folder = dirname(program)
  const names = await readdir(folder)
  expect(names.length).toBeGreaterThan(3)
  const left = new Set<string>()
  for (const name of names) {
    const code = await readFile(join(folder, name), 'utf8')
    for (const [, still, later] of code.matchAll(
      /^(?:import|export) .*["'](\.[^"']*)["'];?$|\bimport\("(\.[^"']*)"\)/gm,
    )) {
      left.add((still ?? later ?? '').slice(2))
    }
  }
  expect([...left].filter((path) => !names.includes(path))).toEqual([])
  expect(left.size).toBeGreaterThan(3)
})
