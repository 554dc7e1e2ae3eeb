import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { digestOf } from '../../../lib/core/index.ts'
import { compiledScript } from '../../kit/compiled-script.ts'
import { resourceStack } from '../../kit/resource-stack.ts'
import { type StartedProcess, startProcess } from '../../kit/start-process.ts'
import { tempFolder } from '../../kit/temp-folder.ts'

const main = join(import.meta.dirname, '../../../services/build-index/main.ts')
const resources = resourceStack()

interface Instance {
  readonly url: string
  readonly ops: string
}

/** Finds the base URLs in the lines that the listeners log. */
function urlsIn(stdout: string): Instance {
  const urlOf = (listener: string) => {
    for (const line of stdout.split('\n').slice(0, -1)) {
      const {
        message,
        listener: name,
        url,
      } = JSON.parse(line) as Readonly<Record<'message' | 'listener' | 'url', string>>
      if (message === 'listening' && name === listener) return url
    }
    throw new Error(`${listener} does not listen yet`)
  }
  return { url: urlOf('http'), ops: urlOf('ops') }
}

async function startInstance(folder: string): Promise<StartedProcess<Instance>> {
  const settings = [
    'backend.driver=file',
    `backend.folder=${folder}`,
    'http.bind=127.0.0.1:auto',
    'ops.bind=127.0.0.1:auto',
    'admin.bind=127.0.0.1:auto',
  ]
  return startProcess({
    command: process.execPath,
    args: [await compiledScript(main), ...settings.flatMap((setting) => ['--set', setting])],
    ready: ({ stdout }) => urlsIn(stdout),
  })
}

const descriptor = (text: string) => ({ digest: digestOf(Buffer.from(text)), mediaType: 'application/x', size: 1 })

async function put(base: string, path: string, value: unknown): Promise<number> {
  const response = await fetch(`${base}/repositories/team%2Fapp/${path}`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(value),
  })
  await response.arrayBuffer()
  return response.status
}

async function get(base: string, path: string): Promise<unknown> {
  return (await fetch(`${base}/repositories/team%2Fapp/${path}`)).json()
}

describe('two build-indexes on one folder', () => {
  let folder: string
  let first: StartedProcess<Instance>
  let second: StartedProcess<Instance>

  beforeAll(async () => {
    folder = resources.own(await tempFolder('index')).path
    const started = await Promise.all([startInstance(folder), startInstance(folder)])
    for (const instance of started) resources.own(instance)
    ;[first, second] = started
  })
  afterAll(async () => {
    await resources[Symbol.asyncDispose]()
  })

  test('a tag written through one is read through the other, and so is its move', async () => {
    expect(await put(first.ready.url, 'tags/v1', descriptor('one'))).toBe(204)
    expect(await get(second.ready.url, 'tags/v1')).toEqual(descriptor('one'))
    expect(await put(second.ready.url, 'tags/v1', descriptor('two'))).toBe(204)
    expect(await get(first.ready.url, 'tags/v1')).toEqual(descriptor('two'))
  })

  test('concurrent moves of one tag through both all succeed, and one of them stands', async () => {
    const wanted = Array.from({ length: 20 }, (_, i) => descriptor(`move-${i}`))
    const statuses = await Promise.all(
      wanted.map((value, i) => put(i % 2 === 0 ? first.ready.url : second.ready.url, 'tags/moving', value)),
    )
    expect(new Set(statuses)).toEqual(new Set([204]))
    const stands = await get(first.ready.url, 'tags/moving')
    expect(wanted).toContainEqual(stands)
    expect(await get(second.ready.url, 'tags/moving')).toEqual(stands)
  })

  test('concurrent pushes of many tags through both are all there', async () => {
    const tags = Array.from({ length: 30 }, (_, i) => `many-${String(i).padStart(2, '0')}`)
    const statuses = await Promise.all(
      tags.map((tag, i) => put(i % 2 === 0 ? first.ready.url : second.ready.url, `tags/${tag}`, descriptor(tag))),
    )
    expect(new Set(statuses)).toEqual(new Set([204]))
    expect(await get(second.ready.url, 'tags?last=many-&n=30')).toMatchObject({ tags })
  })

  test('when one is killed in the middle of moves, the other goes on and no acknowledged write is lost', async () => {
    await using doomed = await startInstance(folder)
    const moves = Array.from({ length: 40 }, (_, i) => `killed-${i}`)
    const acknowledged: string[] = []
    const pushing = moves.map(async (tag) => {
      const status = await put(doomed.ready.url, `tags/${tag}`, descriptor(tag)).catch(() => undefined)
      if (status === 204) acknowledged.push(tag)
      if (acknowledged.length === 5) doomed.kill('SIGKILL')
    })
    await Promise.all(pushing)
    await doomed.exited
    expect(acknowledged.length).toBeGreaterThanOrEqual(5)
    for (const tag of acknowledged) expect(await get(second.ready.url, `tags/${tag}`)).toEqual(descriptor(tag))
    for (const tag of moves) expect(await put(second.ready.url, `tags/${tag}`, descriptor(`again-${tag}`))).toBe(204)
    for (const tag of moves) {
      expect(await get(second.ready.url, `tags/${tag}`)).toEqual(descriptor(`again-${tag}`))
    }
    expect((await fetch(`${second.ready.ops}/readyz`)).status).toBe(200)
  })
})
