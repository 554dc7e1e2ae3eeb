import { expect, test } from '@jest/globals'
import { digestOf, parseRepository } from '../../../lib/core/index.ts'
import { waitingBlob, writeBackTask } from '../../../services/origin/push/write-back-task.ts'

const digest = digestOf(Buffer.from('x'))

test.each(['team/app', './team.a/app', 'docker.io/library/nginx'])('a task for a blob of %s is read back', (text) => {
  const waiting = { blob: { digest, repository: parseRepository(text) }, size: 7 }
  const task = writeBackTask(waiting, 0)
  expect(task).toMatchObject({ key: `${text} ${digest}`, payload: { digest, repository: text, size: 7 } })
  expect(waitingBlob({ payload: JSON.parse(JSON.stringify(task.payload)) as unknown })).toEqual(waiting)
})

test('a task of the version before is read, one with no repository is not', () => {
  const blob = { digest, repository: parseRepository('team/app') }
  expect(waitingBlob({ payload: { digest, namespace: 'team/app', size: 7 } })).toEqual({ blob, size: 7 })
  for (const repository of ['../etc', '', 'docker.io', 7]) {
    expect(waitingBlob({ payload: { digest, repository, size: 7 } })).toBeUndefined()
  }
})
