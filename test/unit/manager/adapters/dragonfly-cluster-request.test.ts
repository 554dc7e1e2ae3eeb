import { describe, expect, test } from '@jest/globals'
import { dragonflyClusterSchema } from '../../../../lib/api/index.ts'
import { readDragonflyCluster } from '../../../../services/manager/adapters/dragonfly-cluster-request.ts'

const read = (body: object) => readDragonflyCluster(dragonflyClusterSchema.parse(body))
const nothing = { applications: [], urls: [], tags: [], priorities: [] }

describe('a cluster in the words of Dragonfly', () => {
  test('is what is said of it; what is empty or null says nothing, and no is_default says no', () => {
    const said = { name: 'west', bio: 'ours', is_default: true }
    const scopes = { idc: 'a|b', location: '', cidrs: ['10.0.0.0/8'], hostnames: null }
    expect(read({ ...said, scopes })).toEqual({
      ...{ name: 'west', description: 'ours', isDefault: true },
      scopes: { zones: ['a', 'b'], cidrs: ['10.0.0.0/8'], hosts: [] },
    })
    expect(read({ name: '', bio: null, scopes: null })).toEqual({
      ...{ name: undefined, description: undefined, isDefault: false },
    })
  })

  test('has limits that change nothing, and lists of blocks that name nothing', () => {
    const limits = {
      scheduler_cluster_config: { candidate_parent_limit: 3, filter_parent_limit: 0, job_rate_limit: 10 },
      peer_cluster_config: { load_limit: 200, block_list: { task: { download: nothing }, persistent_task: {} } },
      seed_peer_cluster_config: { load_limit: 2000, block_list: {} },
    }
    expect(read({ name: 'west', ...limits })).toMatchObject({ name: 'west' })
  })

  test.each([
    ['a location', { scopes: { location: 'cn|bj' } }, /location/],
    [
      'a block-list',
      { peer_cluster_config: { block_list: { task: { download: { urls: ['.*'] } } } } },
      /pulls\.blocks/,
    ],
    ['one of seeds', { seed_peer_cluster_config: { block_list: { task: { download: { tags: ['x'] } } } } }, /withhold/],
    ['a name that is none', { name: 'No Name' }, /lower-case/],
  ])('is refused with %s', (_, body, message) => {
    expect(() => read(body)).toThrow(
      expect.objectContaining({ code: 'BODY_INVALID', message: expect.stringMatching(message) }),
    )
  })
})
