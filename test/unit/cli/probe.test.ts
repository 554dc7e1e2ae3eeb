import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { runProbe } from '../../../services/cli/probe/probe.ts'
import { probedBy } from '../../../services/cli/probe/probed.ts'
import { processOneWords } from '../../../services/cli/probe/process-one.ts'
import { run } from '../../../services/cli/run.ts'
import { recordingHost } from '../../kit/recording-host.ts'
import { tempFolder } from '../../kit/temp-folder.ts'

/** An ops listener that is alive, and ready or not. */
async function opsListener(ready: boolean) {
  const server = createServer((request, response) => {
    const answer = request.url === '/healthz' ? { status: 'ok' } : { status: ready ? 'ready' : 'not ready' }
    response.writeHead(request.url === '/healthz' || ready ? 200 : 503).end(JSON.stringify(answer))
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

const none = { commandLine: '/nowhere', program: '/nowhere' }

describe('shoal probe', () => {
  test('asks the ops listener of the config whether the service can serve', async () => {
    await using folder = await tempFolder()
    await using ops = await opsListener(true)
    const config = join(folder.path, 'tracker.yaml')
    await writeFile(config, `ops: { bind: "127.0.0.1:${ops.port}" }\npolicy: adaptive\n`)
    const host = recordingHost()
    expect(await run(['probe', 'tracker', '--config', config], host)).toBe(0)
    expect(host.said).toBe('tracker: {"status":"ready"}')
    expect(host.complained).toBe('')
  })

  test('takes the variables and the flags of the service, and flags win', async () => {
    await using ops = await opsListener(true)
    const host = recordingHost({ SHOAL__ops__bind: '127.0.0.1:1' })
    expect(await run(['probe', 'origin'], host)).toBe(3)
    expect(host.complained).toBe('shoal probe: origin: nothing answers at http://127.0.0.1:1 (PEER_CLOSED)')
    expect(await run(['probe', 'origin', '--set', `ops.bind=0.0.0.0:${ops.port}`], host)).toBe(0)
  })

  test('fails while the service is not ready and tells what it says, and --live asks only for life', async () => {
    await using ops = await opsListener(false)
    const host = recordingHost({ SHOAL__ops__bind: `127.0.0.1:${ops.port}` })
    expect(await run(['probe', 'agent'], host)).toBe(1)
    expect(host.complained).toBe('shoal probe: agent: {"status":"not ready"}')
    expect(await run(['probe', '--live', 'agent'], host)).toBe(0)
    expect(host.said).toBe('agent: {"status":"ok"}')
  })

  test.each([
    [['probe', 'agnt'], '"agnt" is no service; did you mean agent?'],
    [['probe', 'agent', '--st', 'x'], "Unknown option '--st'"],
    [['probe', 'agent', '--set', 'ops.bind=127.0.0.1:auto'], 'has any free port'],
    [['probe', 'agent', '--config', '/nowhere'], 'cannot read the config file /nowhere'],
  ])('%j is wrong usage', async (argv, reason) => {
    const host = recordingHost()
    expect(await run(argv, host)).toBe(2)
    expect(host.complained).toContain(reason)
  })

  test('calls a listener with TLS by https, and all services of a herd at their usual ports', async () => {
    const tls = 'tls={certificate: /c, key: /k}'
    expect(await probedBy(['proxy', '--set', tls], {})).toMatchObject([{ url: 'https://127.0.0.1:61003' }])
    expect(await probedBy(['proxy', '--set', tls, '--set', 'ops.tls=off'], {})).toMatchObject([
      { url: 'http://127.0.0.1:61003' },
    ])
    const herd = await probedBy(['herd', '--agents', '2'], { SHOAL__ops__bind: '127.0.0.1:1' })
    expect(herd.map(({ name, url }) => `${name} ${new URL(url).port}`)).toEqual([
      ...['build-index 62003', 'tracker 63003', 'origin 64003', 'agent 65003', 'proxy 61003'],
    ])
  })
})

describe('without a service', () => {
  /** A folder with a program, and the words of process 1 as the kernel shows them. */
  async function container(...words: readonly string[]) {
    const folder = await tempFolder()
    const [program, commandLine] = [join(folder.path, 'main.js'), join(folder.path, 'cmdline')]
    await writeFile(program, '')
    await writeFile(commandLine, words.map((word) => `${word === 'MAIN' ? program : word}\0`).join(''))
    return { program, commandLine, [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() }
  }

  test.each([
    [['/usr/local/bin/node', 'MAIN', 'agent', '--set', 'a=b']],
    [['/sbin/docker-init', '--', '/usr/local/bin/node', 'MAIN', 'agent', '--set', 'a=b']],
  ])('it is what process 1 runs: %j', async (words) => {
    await using one = await container(...words)
    expect(await processOneWords(one)).toEqual(['agent', '--set', 'a=b'])
  })

  test('the service of the container is asked with its own flags', async () => {
    await using ops = await opsListener(true)
    await using one = await container('node', 'MAIN', 'agent', '--set', `ops.bind=127.0.0.1:${ops.port}`)
    const host = recordingHost()
    expect(await runProbe([], host, one)).toBe(0)
    expect(host.said).toBe('agent: {"status":"ready"}')
  })

  test.each([[['/sbin/init']], [['/usr/local/bin/node', '/other/main.js', 'agent']]])(
    'process 1 is another program: %j',
    async (words) => {
      await using one = await container(...words)
      const host = recordingHost()
      expect(await runProbe([], host, one)).toBe(2)
      expect(host.complained).toContain('say which service to ask: shoal probe SERVICE')
      expect(await runProbe([], host, none)).toBe(2)
    },
  )
})
