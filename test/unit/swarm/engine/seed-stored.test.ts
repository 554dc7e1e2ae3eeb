import { expect, test } from '@jest/globals'
import { digestOf } from '../../../../lib/core/index.ts'
import type { BlobReader } from '../../../../lib/store/index.ts'
import { type SwarmEngine, seedStored } from '../../../../lib/swarm/index.ts'

test('announces at its start every blob that the store holds', async () => {
  const stored = [1, 2].map((size) => ({ digest: digestOf(Buffer.alloc(size)), size }))
  const seeded: unknown[] = []
  const store = { list: async () => stored } as unknown as BlobReader
  const engine = {
    seed: (blob: { digest: string }, size: number) => void seeded.push({ ...blob, size }),
  } as unknown as SwarmEngine
  const seeding = seedStored(store, engine)
  expect(seeded).toEqual([])
  await seeding.start()
  expect(seeded).toEqual(stored)
})
