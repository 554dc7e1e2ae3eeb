import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import Sequencer, { long } from '../../kit/jest/sequencer.js'

const tests = join(import.meta.dirname, '..', '..')
const one = (project: string, file: string, duration?: number) => ({
  ...{ path: join(tests, file), duration },
  context: {
    hasteFS: { getSize: () => 1 },
    config: { displayName: { name: project }, id: project, rootDir: tests, cacheDirectory: '/nowhere' },
  },
})
const order = (given: readonly ReturnType<typeof one>[]) => new Sequencer({}).sort(given).map(({ path }) => path)

test('on a fresh clone small files that take long come first, then what usually takes long', () => {
  const file = long[0] ?? ''
  const sorted = order([one('unit', 'unit/a.test.ts'), one('e2e', 'e2e/image.test.ts'), one('interop', file)])
  expect(sorted).toEqual([file, 'e2e/image.test.ts', 'unit/a.test.ts'].map((name) => join(tests, name)))
})

test('each of them exists', () => {
  expect(long.filter((file) => !existsSync(join(tests, file)))).toEqual([])
})
