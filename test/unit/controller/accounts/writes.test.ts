import { expect, test } from '@jest/globals'
import { whileLeading } from '../../../../services/controller/accounts/account/context.ts'
import { type KubeWrites, resources } from '../../../../services/controller/kubernetes/index.ts'

test('no write of any kind is sent after the term has ended', async () => {
  const sent: string[] = []
  const send = (what: string) => () => {
    sent.push(what)
    return Promise.resolve({ metadata: { name: 'x' } })
  }
  const writes = Object.fromEntries(
    ['create', 'replace', 'merge', 'apply', 'remove'].map((what) => [what, send(what)]),
  ) as unknown as KubeWrites
  let isOver = false
  const fenced = whileLeading(writes, {
    assert() {
      if (isOver) throw new Error('over')
    },
  })
  const object = { metadata: { name: 'x' } }
  const all = () => [
    fenced.create(resources.secrets, object),
    fenced.replace(resources.secrets, object),
    fenced.merge(resources.secrets, { name: 'x' }, {}),
    fenced.apply(resources.secrets, object, { manager: 'm' }),
    fenced.remove(resources.secrets, { name: 'x' }),
  ]
  await Promise.all(all())
  isOver = true
  const ends = await Promise.allSettled(all())
  expect(ends.map(({ status }) => status)).toEqual(Array(5).fill('rejected'))
  expect(sent).toEqual(['create', 'replace', 'merge', 'apply', 'remove'])
})
