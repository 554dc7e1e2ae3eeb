import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, test } from '@jest/globals'
import { blobSender, type SendProgress, type SendTarget } from '../../../lib/api/index.ts'
import { digestOf, parseRepository } from '../../../lib/core/index.ts'
import { clusterOf } from '../../kit/cluster.ts'
import { buildResource } from '../../kit/resource-stack.ts'
import {
  answerError,
  answerJson,
  disposableHttp,
  type Script,
  type ScriptedServer,
  scriptedServer,
} from '../../kit/scripted-server.ts'

const repository = parseRepository('team/app')
const digest = digestOf(Buffer.from('a blob'))
const target: SendTarget = { url: 'http://far.test', secret: 'far-secret', repository }
const progress: SendProgress = { upload: { id: 'u1', member: 'far-1' }, sent: 0, size: 6 }

/** Near origins with one script each, in the ring order of the digest. */
function near(...scripts: readonly Script[]) {
  return buildResource(async (stack) => {
    const http = stack.own(disposableHttp())
    const order = clusterOf(scripts.map((_, i) => ({ id: `o${i}`, url: '' }))).candidates(digest)
    const servers: ScriptedServer[] = []
    for (const script of scripts) servers.push(stack.own(await scriptedServer(script)))
    const cluster = clusterOf(order.map(({ id }, place) => ({ id, url: servers[place]?.url ?? '' })))
    const seen: SendProgress[] = []
    const sender = blobSender({ http, cluster })
    const send = (given = target) => sender.send(repository, digest, given, { onProgress: (each) => seen.push(each) })
    const asked = () =>
      servers.map(({ requests }) => requests.map(({ body }) => JSON.parse(body.toString()) as unknown))
    return { send, seen, asked, servers, sender, cluster }
  })
}

const lines =
  (...values: readonly unknown[]): Script =>
  (_, res) =>
    void res.writeHead(200).end(values.map((value) => `${JSON.stringify(value)}\n`).join(''))

const done = { done: true, size: 6 }
const failed = (code: string, at: 'near' | 'far') => ({ error: { code, message: 'why', at } })

/** Sends lines, then cuts the connection. */
const dies =
  (...values: readonly unknown[]): Script =>
  (_, res) => {
    res.writeHead(200)
    res.write(values.map((value) => `${JSON.stringify(value)}\n`).join(''), () => res.socket?.destroySoon())
  }

describe('the client that makes origins send a blob', () => {
  test('asks the first owner with all of the target, and tells of the progress', async () => {
    await using it = await near(lines(progress, { ...progress, sent: 6 }, done), lines(done))
    expect(await it.send({ ...target, bytesPerSecond: 10 })).toEqual({ size: 6 })
    expect(it.seen.map(({ sent }) => sent)).toEqual([0, 6])
    expect(it.asked()).toEqual([[{ ...target, repository: 'team/app', bytesPerSecond: 10 }], []])
    expect(it.servers[0]?.requests[0]).toMatchObject({
      method: 'POST',
      url: `/namespace/team%2Fapp/blobs/${digest}/send`,
    })
  })

  test('when an origin dies in the middle, the next one goes on with the upload', async () => {
    await using it = await near(dies(progress), lines(done))
    expect(await it.send()).toEqual({ size: 6 })
    expect(it.asked()[1]).toEqual([expect.objectContaining({ upload: progress.upload })])
  })

  test('when an origin fails by itself, the next one goes on', async () => {
    await using it = await near(lines(progress, failed('STORE_CORRUPT', 'near')), lines(done))
    expect(await it.send()).toEqual({ size: 6 })
    expect(it.asked()[1]).toEqual([expect.objectContaining({ upload: progress.upload })])
  })

  test('what the far end says is believed, and held against no near origin', async () => {
    await using it = await near(lines(progress, failed('PEER_CLOSED', 'far')), lines(done))
    for (let i = 0; i < 4; i += 1) {
      await expect(it.send()).rejects.toMatchObject({ code: 'PEER_CLOSED', detail: { at: 'far' } })
    }
    expect(it.asked().map(({ length }) => length)).toEqual([4, 0])
  })

  test('a code that nobody knows is UNKNOWN', async () => {
    await using it = await near(lines(failed('NO_SUCH_CODE', 'far')))
    await expect(it.send()).rejects.toMatchObject({ code: 'UNKNOWN' })
  })

  test('a busy origin is passed over; that all are busy is told', async () => {
    const busy: Script = (_, res) => answerError(res, 503, 'LISTENER_BUSY')
    await using it = await near(busy, lines(done))
    expect(await it.send()).toEqual({ size: 6 })
    await using full = await near(busy, busy)
    await expect(full.send()).rejects.toMatchObject({ code: 'LISTENER_BUSY' })
  })

  test('BLOB_UNKNOWN is believed when two origins say it', async () => {
    const unknown: Script = (_, res) => answerError(res, 404, 'BLOB_UNKNOWN')
    await using it = await near(unknown, unknown, lines(done))
    await expect(it.send()).rejects.toMatchObject({ code: 'BLOB_UNKNOWN' })
    await using once = await near(unknown, lines(done))
    expect(await once.send()).toEqual({ size: 6 })
  })

  test.each<[string, string, Script]>([
    ['a line that is no JSON', 'BODY_INVALID', (_, res) => void res.end('{"upload"\n')],
    ['a line of another form', 'NO_HEALTHY_MEMBER', lines({ done: 'perhaps' })],
    ['a line without end', 'BODY_TOO_LARGE', (_, res) => void res.end('x'.repeat(20_000))],
    ['no last line', 'NO_HEALTHY_MEMBER', lines(progress)],
    ['JSON without a newline', 'NO_HEALTHY_MEMBER', (_, res) => answerJson(res, 200, done)],
  ])('does not believe %s, and asks the next origin', async (_what, code, script) => {
    await using alone = await near(script)
    await expect(alone.send()).rejects.toMatchObject({ code })
    await using it = await near(script, lines(done))
    expect(await it.send()).toEqual({ size: 6 })
  })

  test('an abort ends the request', async () => {
    const closed: boolean[] = []
    const hangs: Script = (_, res) => {
      res.on('close', () => closed.push(true))
      res.writeHead(200)
      res.write(`${JSON.stringify(progress)}\n`)
    }
    await using it = await near(hangs, lines(done))
    const cancel = new AbortController()
    const onProgress = () => cancel.abort()
    const sending = it.sender.send(repository, digest, target, { signal: cancel.signal, onProgress })
    await expect(sending).rejects.toMatchObject({ code: 'ABORTED' })
    while (closed.length === 0) await pause(1)
    expect(it.asked()[1]).toEqual([])
  })
})
