import { expect, test } from '@jest/globals'
import { waitingLine } from '../../../../../lib/swarm/torrent/shared/waiting-line.ts'

function waiting() {
  const line = waitingLine()
  const turns: string[] = []
  const waiter = (name: string) => ({ onTurn: () => void turns.push(name) })
  const all = { a: waiter('a'), b: waiter('b'), c: waiter('c') }
  return { line, turns, ...all, settle: () => Promise.resolve() }
}

test('the first one is told, and keeps its place when it stands in line again', async () => {
  const { line, turns, a, b, c, settle } = waiting()
  for (const each of [a, b, a]) line.join(each)
  line.next()
  line.next()
  expect(turns).toEqual([])
  await settle()
  expect(turns).toEqual(['a'])
  expect([a, b, c].map((each) => line.isBehind(each))).toEqual([false, true, true])
})

test('when the first one leaves, the next one is told; who does not wait leaves without effect', async () => {
  const { line, turns, a, b, c, settle } = waiting()
  for (const each of [a, b]) line.join(each)
  line.leave(c)
  await settle()
  line.leave(a)
  await settle()
  expect(turns).toEqual(['b'])
  line.leave(b)
  await settle()
  expect([turns, line.isBehind(c)]).toEqual([['b'], false])
})
