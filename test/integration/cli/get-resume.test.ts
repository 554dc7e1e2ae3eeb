import { readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { deferred } from '../../../lib/base/index.ts'
import { digestHex, digestOf } from '../../../lib/core/index.ts'
import { exitCodes } from '../../../services/cli/exit-codes.ts'
import { run } from '../../../services/cli/run.ts'
import { cipherBytes } from '../../kit/cipher-bytes.ts'
import { compiledScript } from '../../kit/compiled-script.ts'
import { eventually } from '../../kit/eventually.ts'
import { faultProxy } from '../../kit/fault-proxy.ts'
import { pauseAfter } from '../../kit/http-faults.ts'
import { objectServer } from '../../kit/object-server.ts'
import { recordingHost } from '../../kit/recording-host.ts'
import { buildResource } from '../../kit/resource-stack.ts'
import { scriptedServer } from '../../kit/scripted-server.ts'
import { startProcess } from '../../kit/start-process.ts'
import { tempFolder } from '../../kit/temp-folder.ts'
import { startTopology } from '../../kit/topology.ts'

const bytes = cipherBytes('a model that is fetched by hand', 3_000_000)
const digest = digestOf(bytes)
/** So much the web server gives until it is told to give more. */
const GATE = 1_000_000

/** A URL behind an agent of a cluster that has not seen it yet, and what was asked of that agent. */
function startLab() {
  return buildResource(async (stack) => {
    const web = stack.own(await objectServer(bytes))
    web.openTo(GATE)
    const host = { host: '127.0.0.1', ports: [Number(new URL(web.url).port)], inner: true, path: '^/models/' }
    const rule = { host: '127.0.0.1', path: '^/models/', as: 'blob' }
    const shoal = stack.own(
      await startTopology({
        ...{ agents: 1, origins: 1, trackers: 1, processes: [] },
        overrides: [
          `origin.urls.rules=${JSON.stringify([host])}`,
          `agent.registry.forward.rules=${JSON.stringify([rule])}`,
        ],
      }),
    )
    const proxy = stack.own(await faultProxy({ target: shoal.url('agent-1', 'registry') }))
    const folder = stack.own(await tempFolder('get-resume'))
    const program = await compiledScript('services/cli/main.ts')
    const words = (output: string, more: readonly string[]) => [
      ...['get', `${web.url}/models/a`, '--agent', proxy.url, '--url', shoal.url('agent-1', 'admin')],
      ...['--output', join(folder.path, output), ...more],
    ]
    const partOf = async (output: string) => {
      const name = (await readdir(folder.path)).find((each) => each.startsWith(`.${output}.`))
      if (name === undefined) throw new Error(`nothing is left of ${output}`)
      return join(folder.path, name)
    }
    return {
      ...{ web, proxy, partOf },
      asked: () => proxy.faults.requests.map(({ range }) => range),
      output: (name: string) => readFile(join(folder.path, name)),
      names: () => readdir(folder.path),
      get: (output: string, more: readonly string[] = [], host = recordingHost()) => run(words(output, more), host),
      /** A process that is killed when the file has some bytes; returns how many it has left. */
      async killedGet(output: string, more: readonly string[] = []): Promise<number> {
        await using child = await startProcess({
          ...{ command: process.execPath, args: [program, ...words(output, more)] },
          ready: async () => expect((await stat(await partOf(output))).size).toBeGreaterThan(0),
        })
        child.kill('SIGKILL')
        expect((await child.exited).signal).toBe('SIGKILL')
        return (await stat(await partOf(output))).size
      },
    }
  })
}

test('a URL whose get was killed is gone on with by its digest, and without one as soon as the cluster knows it', async () => {
  await using lab = await startLab()
  const { web, proxy, asked, output, names, partOf } = lab
  const named = ['--digest', digest]
  const [left] = await Promise.all([lab.killedGet('named', named), lab.killedGet('unnamed')])
  expect(left).toBeLessThanOrEqual(GATE)

  // Nobody knows the digest yet.
  let from = asked().length
  const host = recordingHost()
  const anew = lab.get('unnamed', [], host)
  await eventually(() => expect(host.complained).toMatch(/has left \d.*: all of it is fetched anew$/))
  web.openTo(Number.POSITIVE_INFINITY)
  expect([await anew, asked().slice(from)]).toEqual([exitCodes.done, [undefined]])
  expect((await output('unnamed')).equals(bytes)).toBe(true)

  from = asked().length
  const second = recordingHost()
  expect([await lab.get('named', named, second), second.complained]).toEqual([exitCodes.done, ''])
  expect(asked().slice(from)).toEqual([`bytes=${left}-`])
  expect((await output('named')).equals(bytes)).toBe(true)
  expect((await names()).toSorted()).toEqual(['named', 'unnamed'])

  // The origin notes the digest a moment after the last byte.
  await eventually(async () => {
    const { headers, body } = await fetch(`${proxy.url}/urls?url=${encodeURIComponent(`${web.url}/models/a`)}`)
    await body?.cancel()
    expect(headers.get('repr-digest')).not.toBeNull()
  })
  const never = deferred()
  proxy.faults.next({ method: 'GET' }, pauseAfter(GATE, never.promise))
  const rest = await lab.killedGet('right')
  never.resolve()
  const part = await readFile(await partOf('right'))
  part[7] = (part[7] ?? 0) ^ 1
  await writeFile((await partOf('right')).replace('.right.', '.wrong.'), part)
  from = asked().length
  expect(await lab.get('right')).toBe(exitCodes.done)
  expect(asked().slice(from)).toEqual([undefined, `bytes=${rest}-`])
  expect((await output('right')).equals(bytes)).toBe(true)
  expect(await lab.get('wrong')).toBe(exitCodes.failed)
  expect((await names()).toSorted()).toEqual(['named', 'right', 'unnamed'])
})

test('who asks for a URL by the digest of what it had before hears so at once, and what has come of that stays', async () => {
  const told = Buffer.from(digestHex(digestOf(Buffer.from('other content'))), 'hex').toString('base64')
  await using agent = await scriptedServer((_, res) => {
    res.writeHead(206, { 'content-range': 'bytes 5-99/100', etag: '"new"', 'repr-digest': `sha-256=:${told}:` })
    // All of it never comes.
    res.write('some')
  })
  await using folder = await tempFolder('get-resume')
  const part = join(folder.path, `.model.${digestHex(digest).slice(0, 12)}.part`)
  await writeFile(part, bytes.subarray(0, 5))
  const host = recordingHost()
  const words = ['--agent', agent.url, '--digest', digest, '--output', join(folder.path, 'model')]
  expect(await run(['get', 'https://models.example/a', ...words], host)).toBe(exitCodes.failed)
  expect(host.complained).toMatch(/DIGEST_INVALID.*other content now: sha256:/)
  expect(await readFile(part)).toEqual(bytes.subarray(0, 5))
})
