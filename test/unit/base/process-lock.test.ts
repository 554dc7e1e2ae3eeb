import { readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import {
  appError,
  type FoundLock,
  livenessOf,
  ownIdentity,
  processLocks,
  seededRandom,
  systemClock,
} from '../../../lib/base/index.ts'
import { tempFolder } from '../../kit/temp-folder.ts'
import { zombieProcess } from '../../kit/zombie-process.ts'

/** Locks that do not wait, and can be taken only from dead processes. */
function locksIn(folder: string, seed: number, removed: FoundLock[] = []) {
  const random = seededRandom(seed)
  let made = 0
  const newPath = async () => join(folder, `claim-${seed}-${made++}`)
  return processLocks(
    { clock: systemClock(), random, identity: ownIdentity, newPath },
    {
      waitMs: 0,
      holdMs: Number.POSITIVE_INFINITY,
      isAbandoned: (liveness) => liveness === 'dead',
      busy: ({ owner }) => appError('CONFIG_INVALID', { detail: { owner } }),
      onRemoved: (found) => void removed.push(found),
    },
  )
}

describe('a process', () => {
  test('that runs is alive, one that has ended or is a zombie is dead, one of elsewhere is unknown', async () => {
    const own = await ownIdentity()
    await using zombie = await zombieProcess()
    expect(await livenessOf(own, own)).toBe('alive')
    expect(await livenessOf(zombie.identity, own)).toBe('dead')
    expect(await livenessOf(own.replace(/\d+$/, '1'), own)).toBe('dead')
    expect(await livenessOf(`other${own}`, own)).toBe('unknown')
    expect(await livenessOf('', own)).toBe('unknown')
  })
})

describe('a lock', () => {
  test('has one holder, whom the others are told, until it is released', async () => {
    await using folder = await tempFolder('lock')
    const path = join(folder.path, 'lock')
    const held = await locksIn(folder.path, 1).acquire(path)
    await expect(locksIn(folder.path, 2).acquire(path)).rejects.toMatchObject({
      detail: { owner: await ownIdentity() },
    })
    await held.release()
    await (await locksIn(folder.path, 2).acquire(path)).release()
    expect(await readdir(folder.path)).toEqual([])
  })

  test('that another process took over meanwhile is not released by its first holder', async () => {
    await using folder = await tempFolder('lock')
    const path = join(folder.path, 'lock')
    const first = await locksIn(folder.path, 1).acquire(path)
    await rm(path)
    const second = await locksIn(folder.path, 2).acquire(path)
    await first.release()
    await expect(locksIn(folder.path, 3).acquire(path)).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
    await second.release()
    expect(await readdir(folder.path)).toEqual([])
  })

  test('that a dead process left is taken over by one of many that want it', async () => {
    await using folder = await tempFolder('lock')
    const path = join(folder.path, 'lock')
    await writeFile(path, `${(await ownIdentity()).replace(/\d+$/, '1')} token`)
    const removed: FoundLock[] = []
    const wanted = [1, 2, 3, 4, 5, 6, 7, 8].map((seed) => locksIn(folder.path, seed, removed).acquire(path))
    const taken = (await Promise.allSettled(wanted)).filter(({ status }) => status === 'fulfilled')
    expect(taken).toHaveLength(1)
    expect(removed.map(({ token }) => token)).toEqual(['token'])
    expect(await readdir(folder.path)).toEqual(['lock'])
  })
})
