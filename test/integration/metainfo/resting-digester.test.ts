import { resolve } from 'node:path'
import { expect, test } from '@jest/globals'
import { compiledScript } from '../../kit/compiled-script.ts'
import { run } from '../../kit/run.ts'

const size = 64 * 1024 * 1024
const script = resolve(import.meta.dirname, '..', '..', 'kit', 'resting-digester.ts')

test('a thread that hashed shared memory lets go of it when it rests, and goes on', async () => {
  const args = [await compiledScript(script), String(size), '3']
  const { stdout } = await run(process.execPath, args)
  const { before, used, after } = JSON.parse(stdout) as Record<'before' | 'used' | 'after', number>
  expect(used).toBeGreaterThan(before + 2 * size)
  expect(after).toBeLessThan(before + size)
})
