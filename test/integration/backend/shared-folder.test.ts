import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, expect, test } from '@jest/globals'
import { type Backend, fileBackend } from '../../../lib/backend/index.ts'
import { systemClock, systemRandom } from '../../../lib/base/index.ts'
import { silentLogger } from '../../../lib/telemetry/index.ts'
import { compiledScript } from '../../kit/compiled-script.ts'
import { tempFolder } from '../../kit/temp-folder.ts'

const program = join(import.meta.dirname, '../../kit/increment-counter.ts')

async function incrementer(folder: string, times: number): Promise<ChildProcess> {
  const args = [await compiledScript(program), folder, String(times)]
  return spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
}

async function opened(folder: string): Promise<Backend> {
  const backend = fileBackend({ clock: systemClock(), random: systemRandom(), logger: silentLogger() }, { folder })
  await backend.start()
  return backend
}

async function counter(backend: Backend): Promise<number> {
  const found = await backend.read('counter')
  return found === undefined ? 0 : Number(await text(found.body))
}

describe('processes that share a folder', () => {
  test('three processes count on one object by conditional writes and lose nothing', async () => {
    await using folder = await tempFolder('shared')
    const children = await Promise.all([1, 2, 3].map(() => incrementer(folder.path, 25)))
    const codes = await Promise.all(children.map(async (child) => (await once(child, 'exit'))[0] as number | null))
    expect(codes).toEqual([0, 0, 0])
    expect(await counter(await opened(folder.path))).toBe(75)
    for (const name of ['.locks', '.staging']) expect(await readdir(join(folder.path, name))).toEqual([])
  })

  test('processes killed in the middle neither break the object nor hold up those that stay', async () => {
    await using folder = await tempFolder('shared')
    let acknowledged = 0
    for (let round = 0; round < 3; round += 1) {
      const child = await incrementer(folder.path, 1_000_000)
      const before = acknowledged
      for await (const dots of child.stdout ?? []) {
        acknowledged += String(dots).length
        if (acknowledged - before >= 20 + 7 * round) child.kill('SIGKILL')
      }
    }
    const backend = await opened(folder.path)
    const value = await counter(backend)
    // For each kill, one write may be done without its dot printed, or one dot may be printed but not read.
    expect(value).toBeGreaterThanOrEqual(acknowledged)
    expect(value - acknowledged).toBeLessThanOrEqual(6)
    const found = await backend.stat('counter')
    await backend.write('counter', Buffer.from('0'), { size: 1, ...(found && { ifMatch: found.etag }) })
    expect(await counter(backend)).toBe(0)
    for (const name of ['.locks', '.staging']) expect(await readdir(join(folder.path, name))).toEqual([])
  })
})
