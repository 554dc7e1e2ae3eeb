import { expect, test } from '@jest/globals'
import { fakeClock, seededRandom } from '../../../../lib/base/index.ts'
import { peerIdOf } from '../../../../lib/core/index.ts'
import type { HostFacts } from '../../../../services/tracker/fleet/posts.ts'
import { pullQuestions } from '../../../../services/tracker/fleet/pull-questions.ts'

const page = { pulls: [] }

/** Questions to two hosts, of which each has an id of its own for its announces. */
function asking() {
  const clock = fakeClock()
  const hosts = ['one', 'two'].map((name): HostFacts => {
    const [id, peerId] = [peerIdOf(`key of ${name}`), peerIdOf(`run of ${name}`)]
    return { id, peerId, address: '127.0.0.1', zone: undefined, label: undefined, platform: 'linux/amd64' }
  })
  const [one, two] = hosts as [HostFacts, HostFacts]
  const woken: string[] = []
  const posts = {
    wake: (id: string) => woken.push(id),
    withPeer: (peer: string) => hosts.find(({ peerId }) => peerId === peer),
  }
  const questions = pullQuestions({ clock, random: seededRandom(1), posts })
  const end = new AbortController()
  const ask = (peer: string, pull?: string) =>
    questions.ask(peer, { query: {}, ...(pull !== undefined && { pull }) }, { signal: end.signal })
  return { clock, one, two, woken, questions, end, ask }
}

test('a host hears each question once, and what it answers is the answer', async () => {
  const { one, two, woken, questions, ask } = asking()
  const asked = ask(one.peerId, '3f2a9c-17')
  expect(woken).toEqual([one.id])
  expect(questions.take(two.id)).toEqual([])
  const [question] = questions.take(one.id)
  expect(question).toMatchObject({ pull: '3f2a9c-17', query: {} })
  expect(questions.take(one.id)).toEqual([])
  questions.told(one.id, { id: question?.id ?? '', page })
  expect(await asked).toMatchObject({ page })
})

test('nobody answers for another host', async () => {
  const { one, two, questions, ask } = asking()
  const asked = ask(one.peerId)
  const id = questions.take(one.id)[0]?.id ?? ''
  questions.told(two.id, { id, code: 'PULL_UNKNOWN' })
  questions.told(one.id, { id: 'another', code: 'PULL_UNKNOWN' })
  questions.told(one.id, { id, page })
  expect(await asked).toMatchObject({ id, page })
})

test('what a host cannot answer has its code', async () => {
  const { one, questions, ask } = asking()
  const asked = ask(one.peerId, '3f2a9c-17')
  questions.told(one.id, { id: questions.take(one.id)[0]?.id ?? '', code: 'PULL_UNKNOWN' })
  await expect(asked).rejects.toMatchObject({ code: 'PULL_UNKNOWN' })
})

test('a host that does not answer is away, and is not asked afterwards', async () => {
  const { clock, one, questions, ask } = asking()
  const asked = expect(ask(one.peerId)).rejects.toMatchObject({ code: 'HOST_AWAY' })
  await clock.advance(4_000)
  await asked
  expect(questions.take(one.id)).toEqual([])
})

test('who goes is not waited for', async () => {
  const { one, questions, end, ask } = asking()
  const asked = expect(ask(one.peerId)).rejects.toMatchObject({ code: 'ABORTED' })
  end.abort()
  await asked
  expect(questions.take(one.id)).toEqual([])
})

test('a node that nobody has, no node at all, and too many questions are refused', async () => {
  const { clock, one, questions, ask } = asking()
  await expect(ask(peerIdOf('nobody'))).rejects.toMatchObject({ code: 'NODE_UNKNOWN' })
  await expect(ask('west')).rejects.toMatchObject({ code: 'REQUEST_INVALID' })
  const open = Promise.allSettled(Array.from({ length: 256 }, () => ask(one.peerId)))
  await expect(ask(one.peerId)).rejects.toMatchObject({ code: 'TOOMANYREQUESTS' })
  expect(questions.take(one.id).length).toBe(8)
  await clock.advance(4_000)
  expect((await open).every(({ status }) => status === 'rejected')).toBe(true)
})
