import { describe, expect, test } from '@jest/globals'
import { managedClusterName } from '../../../lib/api/index.ts'
import { fakeClock, seededRandom } from '../../../lib/base/index.ts'
import { newId } from '../../../services/manager/database/ids.ts'
import { findCluster, namedCluster } from '../../../services/manager/named-cluster.ts'

describe('a cluster', () => {
  test('is found by its id also when another one has that for a name, and by its name', () => {
    const clusters = [
      { id: '1', name: '2' },
      { id: '2', name: 'two' },
    ]
    expect(['1', '2', 'two'].map((word) => findCluster(clusters, word)?.id)).toEqual(['1', '2', '2'])
    expect(() => namedCluster(clusters, '3')).toThrow(expect.objectContaining({ code: 'CLUSTER_UNKNOWN' }))
  })

  test('has no name that is like an id', () => {
    const id = newId({ clock: fakeClock(), random: seededRandom(1) })
    const taken = [id, `${id}0`, 'eu-west', 'a'].map((name) => managedClusterName.safeParse(name).success)
    expect(taken).toEqual([false, true, true, true])
  })
})
