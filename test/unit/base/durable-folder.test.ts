import { type FileHandle, open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { expect, test } from '@jest/globals'
import { deferred, makeFolder, syncFolder } from '../../../lib/base/index.ts'
import { eventually } from '../../kit/eventually.ts'
import { tempFolder } from '../../kit/temp-folder.ts'

/** Holds the first sync of any file handle until `gate` opens. */
async function holdFirstSync(folder: string) {
  const handle = await open(folder, 'r')
  const prototype = Object.getPrototypeOf(handle) as FileHandle
  await handle.close()
  const sync: (this: FileHandle) => Promise<void> = Reflect.get(prototype, 'sync')
  const gate = deferred()
  const state = { begun: 0, done: 0 }
  prototype.sync = async function (this: FileHandle) {
    state.begun += 1
    if (state.begun === 1) await gate.promise
    await sync.call(this)
    state.done += 1
  }
  return {
    gate,
    state,
    [Symbol.dispose]() {
      prototype.sync = sync
    },
  }
}

test('a folder below one that another call has just made is durable only when that one is', async () => {
  await using folder = await tempFolder('durable')
  using held = await holdFirstSync(folder.path)
  const first = makeFolder(join(folder.path, 'new', 'one'))
  await eventually(() => expect(held.state.begun).toBe(1))
  let settled = false
  const second = makeFolder(join(folder.path, 'new', 'two')).then(() => {
    settled = true
  })
  await eventually(() => expect(held.state.done).toBe(1))
  for (let turn = 0; turn < 50; turn += 1) await setImmediate()
  expect(settled).toBe(false)
  held.gate.resolve()
  await Promise.all([first, second])
  expect(held.state.done).toBe(3)
})

test('who syncs a folder while it is synced shares the next sync, which begins after all of them came', async () => {
  await using folder = await tempFolder('durable')
  using held = await holdFirstSync(folder.path)
  const first = syncFolder(folder.path)
  await eventually(() => expect(held.state.begun).toBe(1))
  const others = Array.from({ length: 5 }, () => syncFolder(folder.path))
  for (let turn = 0; turn < 50; turn += 1) await setImmediate()
  expect(held.state.begun).toBe(1)
  held.gate.resolve()
  await Promise.all([first, ...others])
  expect(held.state.done).toBe(2)
  await syncFolder(folder.path)
  expect(held.state.done).toBe(3)
})

test('a folder is not made when its root is missing, and the root never', async () => {
  await using folder = await tempFolder('durable')
  const root = join(folder.path, 'disk')
  await expect(makeFolder(join(root, 'a', 'b'), { root })).rejects.toMatchObject({ code: 'ENOENT' })
  expect(await readdir(folder.path)).toEqual([])
  await makeFolder(join(folder.path, 'a', 'b'), { root: folder.path })
  expect(await readdir(folder.path)).toEqual(['a'])
})
