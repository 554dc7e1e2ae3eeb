import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { systemRandom } from '../../../../lib/base/index.ts'
import { recordingLogger } from '../../../../lib/telemetry/index.ts'
import { hostKey } from '../../../../services/agent/fleet/host-key.ts'
import { tempFolder } from '../../../kit/temp-folder.ts'

test('the key of a host stays the same, and is made anew where it cannot be read or kept', async () => {
  await using folder = await tempFolder('host-key')
  const logger = recordingLogger()
  const parts = { random: systemRandom(), logger }
  const key = await hostKey(parts, folder.path)
  expect(key).toMatch(/^[0-9a-f]{48}$/)
  expect(await hostKey(parts, folder.path)).toBe(key)
  await writeFile(join(folder.path, 'host-key'), 'odd')
  const other = await hostKey(parts, folder.path)
  expect(other).not.toBe(key)
  expect(await hostKey(parts, folder.path)).toBe(other)
  expect(logger.lines).toEqual([])
  const noFolder = join(folder.path, 'host-key')
  expect(await hostKey(parts, noFolder)).not.toBe(await hostKey(parts, noFolder))
  expect(logger.lines.length).toBe(2)
})
