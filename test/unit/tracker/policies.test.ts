import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { policyNames } from '../../../lib/api/index.ts'
import { trackerSchema } from '../../../services/tracker/config.ts'

const folder = join(import.meta.dirname, '../../../services/tracker/policy')
const rings = { origins: { members: [{ id: 'o', url: 'http://127.0.0.1:1' }] } }

describe('the table of policies', () => {
  it('names every policy by its file', async () => {
    const files = (await readdir(folder)).filter((name) => !['policies.ts', 'peer-order.ts', 'parts'].includes(name))
    expect(policyNames.map((name) => `${name}.ts`).toSorted()).toEqual(files.toSorted())
  })

  it('is what the config may name', () => {
    for (const policy of policyNames) expect(trackerSchema.parse({ ...rings, policy }).policy).toBe(policy)
  })

  it('is adaptive where the config names none', () => {
    expect(trackerSchema.parse(rings).policy).toBe('adaptive')
  })

  it('is named where the config names another', () => {
    const parsed = trackerSchema.safeParse({ ...rings, policy: 'nearest' })
    expect(parsed.error?.issues).toEqual([
      expect.objectContaining({
        path: ['policy'],
        message: 'there is no such policy; known are: completeness, topology, adaptive',
      }),
    ])
  })
})
