import { expect, test } from '@jest/globals'
import { bytesSince } from '../../../../../lib/swarm/torrent/shared/pull-summary.ts'

test('what others brought before a pull began was here for it, and what came since is told by who gave it', () => {
  const before = { peer: 5, origin: 10, http: 2, cache: 100 }
  const now = { peer: 8, origin: 11, http: 2, cache: 100 }
  expect(bytesSince(before, now)).toEqual({ peer: 3, origin: 1, http: 0, cache: 117 })
})
