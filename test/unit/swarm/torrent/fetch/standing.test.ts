import { expect, test } from '@jest/globals'
import { fakeClock, wheel } from '../../../../../lib/base/index.ts'
import type { PullClass } from '../../../../../lib/core/index.ts'
import { swarmLimits } from '../../../../../lib/swarm/index.ts'
import { Standing } from '../../../../../lib/swarm/torrent/fetch/standing.ts'
import { scriptedPeer } from '../../../../kit/scripted-peer.ts'

function lab(first?: PullClass) {
  const clock = fakeClock()
  const told: string[] = []
  const state: { wanted: PullClass | undefined } = { wanted: first }
  const standing = new Standing(
    { wheel: wheel(clock), limits: swarmLimits },
    { wanted: () => state.wanted, onChange: (pullClass) => void told.push(`self ${pullClass}`) },
  )
  const join = (name: string) => {
    const { connection } = scriptedPeer(name, { pieces: 1 })
    standing.add({ ...connection, sendClass: (pullClass) => void told.push(`${name} ${pullClass}`) })
    return connection.hello.peerId
  }
  const want = (wanted: PullClass | undefined) => {
    state.wanted = wanted
    standing.look()
  }
  return { clock, standing, told, join, want }
}

test('a peer is told at once that the class has risen, and a while later that it has sunk', async () => {
  const { clock, told, join, want } = lab()
  join('a')
  want('high')
  want('low')
  await clock.advance(swarmLimits.classSinkMs - 100)
  expect(told).toEqual(['a high', 'self high'])
  await clock.advance(200)
  expect(told.slice(2)).toEqual(['a low', 'self low'])
})

test('readers that come and go cost no messages', async () => {
  const { clock, told, join, want } = lab('high')
  join('a')
  for (let at = 0; at < 20; at += 1) {
    want('low')
    await clock.advance(swarmLimits.classSinkMs / 2)
    want('high')
  }
  expect(told).toEqual(['a high'])
})

test('what nobody reads stays where it was', async () => {
  const { clock, standing, want } = lab('high')
  want(undefined)
  await clock.advance(swarmLimits.classSinkMs * 2)
  expect(standing.pullClass).toBe('high')
})

test('who comes is told what is not usual, and who has left nothing', async () => {
  const { told, standing, join, want } = lab('low')
  const left = join('a')
  standing.remove(left)
  want('normal')
  join('b')
  expect(told).toEqual(['a low', 'self normal'])
})
