import { stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { seededRandom } from '../../../lib/base/index.ts'
import { folderKey, seal, sharedKey } from '../../../services/manager/clusters/seal.ts'
import { tempFolder } from '../../kit/temp-folder.ts'

const random = seededRandom(7)
const broken = expect.objectContaining({ code: 'SEAL_BROKEN' })

test('what is sealed opens with the same key, at the same place, and nowhere else', () => {
  const one = seal(sharedKey('secret-of-two-managers'), random)
  const sealed = one.close('the key of a member', 'member 1')
  expect(sealed).not.toContain('member')
  expect(seal(sharedKey('secret-of-two-managers'), random).open(sealed, 'member 1')).toBe('the key of a member')
  expect(() => one.open(sealed, 'member 2')).toThrow(broken)
  expect(() => seal(sharedKey('another-secret-of-two'), random).open(sealed, 'member 1')).toThrow(broken)
  expect(() => one.open(`${sealed.slice(0, -2)}AA`, 'member 1')).toThrow(broken)
  expect(() => one.open('', 'member 1')).toThrow(broken)
})

test('the same text is never sealed the same', () => {
  const one = seal(sharedKey('secret-of-two-managers'), random)
  expect(one.close('a', 'b')).not.toBe(one.close('a', 'b'))
})

test('the key of a folder is made once, for its user alone; a file that is none is not replaced', async () => {
  await using folder = await tempFolder('seal')
  const made = await folderKey(join(folder.path, 'manager'), random)
  expect(made).toHaveLength(32)
  expect(await folderKey(join(folder.path, 'manager'), random)).toEqual(Buffer.from(made))
  expect((await stat(join(folder.path, 'manager', 'seal.key'))).mode & 0o777).toBe(0o600)
  await writeFile(join(folder.path, 'seal.key'), 'short')
  await expect(folderKey(folder.path, random)).rejects.toEqual(broken)
})
