import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from '@jest/globals'
import { exitOf } from '../../kit/child-process.ts'
import { compiledScript } from '../../kit/compiled-script.ts'

const asRoot = process.getuid?.() === 0 ? test : test.skip

asRoot('SIGTERM ends a tool that is process 1 of a container, though it does not handle signals', async () => {
  const main = await compiledScript('services/cli/main.ts')
  const server = createServer()
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const asked = once(server, 'request')
  const words = [main, 'admin', 'agent', 'rings', '--url', url]
  const child = spawn('unshare', ['--pid', '--fork', '--kill-child', process.execPath, ...words], { stdio: 'inherit' })
  const ended = exitOf(child)
  try {
    // It waits for an answer that does not come.
    await asked
    const inner = await readFile(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8')
    process.kill(Number(inner), 'SIGTERM')
    expect((await ended).code).toBe(143)
  } finally {
    child.kill('SIGKILL')
    await ended
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
})
