import { expect, test } from '@jest/globals'
import { blobSender, type SendProgress } from '../../../lib/api/index.ts'
import { deferred, hasCode, systemClock } from '../../../lib/base/index.ts'
import { parseRepository } from '../../../lib/core/index.ts'
import { httpClient } from '../../../lib/http/index.ts'
import { cipherBytes } from '../../kit/cipher-bytes.ts'
import { clusterOf } from '../../kit/cluster.ts'
import { faultProxy } from '../../kit/fault-proxy.ts'
import { originRing } from '../../kit/origin-ring.ts'
import { contentOf } from '../../kit/store-fixture.ts'

const MIB = 1024 * 1024
const repository = parseRepository('team/app')
const content = contentOf(cipherBytes('sent through kills', 6 * MIB + 12_345))

/**
 * Two clusters as processes: two near origins that have the blob, and a far one behind a proxy that counts. The rate is
 * such that a kill at a progress meets the piece after it under way.
 */
async function sendThrough(kills: readonly ('near' | 'far')[]) {
  await using near = await originRing(['near-1', 'near-2'])
  await using far = await originRing(['far-1'], 1)
  const ids = ['near-1', 'near-2'] as const
  await Promise.all([...ids.map((id) => near.start(id, { alone: true })), far.start('far-1', { alone: true })])
  for (const id of ids) await near.put(id, content)
  await using proxy = await faultProxy({ target: far.url('far-1') })
  const http = httpClient({ clock: systemClock() })
  await http.start()
  const cluster = clusterOf(ids.map((id) => ({ id, url: near.url(id) })))
  const owners = cluster.candidates(content.digest).map(({ id }) => id)

  let upload: SendProgress['upload'] | undefined
  let underWay = deferred()
  const onProgress = (progress: SendProgress) => {
    upload = progress.upload
    if (progress.sent > 0 && progress.sent < content.bytes.length) underWay.resolve()
  }
  const target = { url: proxy.url, repository, bytesPerSecond: 2 * MIB }
  const sender = blobSender({ http, cluster })
  const send = () =>
    sender.send(repository, content.digest, { ...target, ...(upload && { upload }) }, { onProgress }).then(
      () => 'done' as const,
      (err: unknown) => err,
    )
  try {
    const failures: unknown[] = []
    let sending = send()
    for (const end of kills) {
      await underWay.promise
      underWay = deferred()
      if (end === 'near') {
        const id = owners.shift() ?? ''
        await near.kill(id)
      } else {
        await far.kill('far-1')
        failures.push(await sending)
        await far.start('far-1', { alone: true })
        sending = send()
      }
    }
    expect(await sending).toBe('done')
    expect(Buffer.compare((await far.read('far-1', content.digest)) as Buffer, content.bytes)).toBe(0)
    const uploads = proxy.faults.requests.filter(({ method }) => method === 'POST').length
    const carried = proxy.faults.requests.reduce((sum, { receivedBytes }) => sum + receivedBytes, 0)
    return { resent: carried - content.bytes.length, uploads, failures }
  } finally {
    await http.stop()
  }
}

test('when the sending origin is killed, the next one goes on with the upload, and at most one piece goes twice', async () => {
  const { resent, uploads } = await sendThrough(['near'])
  expect(uploads).toBe(1)
  expect(resent).toBeGreaterThanOrEqual(0)
  expect(resent).toBeLessThanOrEqual(MIB)
})

test('when the far origin is killed, the upload goes on after its restart, and at most one piece goes twice', async () => {
  const { resent, uploads, failures } = await sendThrough(['far'])
  expect(failures.map((err) => hasCode(err, 'PEER_CLOSED', 'REQUEST_TIMEOUT'))).toEqual([true])
  expect(uploads).toBe(1)
  expect(resent).toBeGreaterThanOrEqual(0)
  expect(resent).toBeLessThanOrEqual(MIB)
})

test('when both are killed, one after the other, at most one piece goes twice for each kill', async () => {
  const { resent, uploads } = await sendThrough(['near', 'far'])
  expect(uploads).toBe(1)
  expect(resent).toBeGreaterThanOrEqual(0)
  expect(resent).toBeLessThanOrEqual(2 * MIB)
})
