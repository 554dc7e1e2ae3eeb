import { describe, expect, test } from '@jest/globals'
import { appError } from '../../../lib/base/index.ts'
import { type KubeReads, resources } from '../../../services/controller/kubernetes/index.ts'
import { listAll } from '../../../services/controller/kubernetes/list-all.ts'

const never = () => Promise.reject(appError('KUBE_INVALID'))

/** A server with objects `0`, `1` ... whose pages may have so many of them. */
function serverOf(count: number, mostOnPage: number) {
  const limits: number[] = []
  const reads: KubeReads = {
    ...{ get: never, watch: never },
    async page(_resource, { limit, next }) {
      limits.push(limit)
      const from = Number(next ?? 0)
      const to = Math.min(count, from + limit)
      if (to - from > mostOnPage) throw appError('BODY_TOO_LARGE')
      const objects = Array.from({ length: to - from }, (_, i) => ({ metadata: { name: String(from + i) } }))
      return { objects, resourceVersion: '7', next: to < count ? String(to) : undefined }
    },
  }
  return { reads, limits }
}

const init = { resource: resources.nodes, keep: ({ metadata }: { metadata: { name: string } }) => metadata.name }

describe('a list', () => {
  test('has the objects of all pages', async () => {
    const { reads, limits } = serverOf(1_200, 500)
    const { all, resourceVersion } = await listAll(reads, { ...init, most: 2_000 }, {})
    expect([all.size, resourceVersion, limits]).toEqual([1_200, '7', [500, 500, 500]])
  })

  test('asks for smaller pages when one is too large', async () => {
    const { reads, limits } = serverOf(9, 3)
    const { all } = await listAll(reads, { ...init, most: 2_000 }, {})
    expect(all.size).toBe(9)
    expect(limits.slice(0, 5)).toEqual([500, 125, 32, 8, 2])
  })

  test('fails when a single object is too large, and when there are too many', async () => {
    const large = listAll(serverOf(2, 0).reads, { ...init, most: 10 }, {})
    await expect(large).rejects.toMatchObject({ code: 'BODY_TOO_LARGE' })
    const many = listAll(serverOf(11, 500).reads, { ...init, most: 10 }, {})
    await expect(many).rejects.toMatchObject({ code: 'KUBE_TOO_MANY', detail: { resource: 'nodes', most: 10 } })
  })
})
