import { expect, test } from '@jest/globals'
import type { Health } from '../../../services/manager/clusters/member-store.ts'
import { type Look, verdict } from '../../../services/manager/clusters/verdict.ts'

const health: Health = { state: 'ok', sinceMs: 1, reasons: [], answeredAtMs: 2 }
const well: Look = { ops: { missing: [], notes: [] }, admin: undefined, capacity: { hosts: 3 } }
const silent: Look = { ops: 'PEER_CLOSED', admin: undefined, capacity: {} }
const times = { nowMs: 100_000, awayMs: 30_000 }
const lately = { heartbeatAtMs: 95_000, leftAtMs: undefined, health }
const stopped = { ...lately, leftAtMs: 99_000 }
const missing: Look = { ...well, ops: { missing: ['backend: x'], notes: [] } }
const wrong: Look = { ...well, ops: { missing: [], notes: ['store: x'] } }
const refusing: Look = { ...well, admin: 'UNAUTHORIZED' }
const longAgo = { ...lately, heartbeatAtMs: 60_000 }

test.each([
  { state: 'ok', what: 'it answers and lives', member: lately, look: well, why: /^$/ },
  { state: 'degraded', what: 'something is missing', member: lately, look: missing, why: /not ready: backend: x/ },
  { state: 'degraded', what: 'something is wrong', member: lately, look: wrong, why: /store: x/ },
  { state: 'degraded', what: 'its admin listener refuses', member: lately, look: refusing, why: /UNAUTHORIZED/ },
  { state: 'degraded', what: 'heartbeats do not come', member: longAgo, look: well, why: /no heartbeat since 1970-/ },
  { state: 'unreachable', what: 'only heartbeats come', member: lately, look: silent, why: /PEER_CLOSED/ },
  { state: 'away', what: 'neither comes', member: longAgo, look: silent, why: /PEER_CLOSED; no heartbeat/ },
  { state: 'away', what: 'it has said that it stops', member: stopped, look: silent, why: /it was stopped/ },
])('is $state when $what', ({ state, member, look, why }) => {
  const found = verdict(member, look, times)
  expect(found.state).toBe(state)
  expect(found.reasons.join('; ')).toMatch(why)
})

test('keeps since when it is so, and when it answered last', () => {
  expect(verdict(lately, well, times)).toMatchObject({ sinceMs: 1, answeredAtMs: 100_000 })
  expect(verdict(longAgo, silent, times)).toMatchObject({ sinceMs: 100_000, answeredAtMs: 2 })
})
