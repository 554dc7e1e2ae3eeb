import { readFile } from 'node:fs/promises'
import { expect, test } from '@jest/globals'
import { exitCodes } from '../../../services/cli/exit-codes.ts'
import { run } from '../../../services/cli/run.ts'
import { ComparingSink, madeServer } from '../../kit/made-bytes.ts'
import { recordingHost } from '../../kit/recording-host.ts'
import { startTopology } from '../../kit/topology.ts'

const GIB = 1024 ** 3
const SIZE = Number(process.env['GET_GIB'] ?? 1) * GIB

/** A process may keep this much of content of any size: less than the smallest content of this test. */
const MEMORY = 0.9 * GIB

/** More than 10 GiB take minutes on a small machine: the test has as long as that needs, and longer. */
const LIMIT_MS = (120 + 60 * (SIZE / GIB)) * 1_000

/** The most memory that a process has had, in bytes. */
async function peakOf(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) * 1024
}

test(
  'a large model comes from its web server through origin and agent, right in every byte, and nobody holds it in memory',
  async () => {
    await using web = await madeServer('model', SIZE)
    const host = { host: '127.0.0.1', ports: [Number(new URL(web.url).port)], inner: true }
    await using topology = await startTopology({
      ...{ agents: 1, origins: 1, trackers: 1 },
      overrides: [
        `origin.urls.rules=${JSON.stringify([{ ...host, path: '^/models/' }])}`,
        `agent.registry.forward.rules=${JSON.stringify([{ host: '127.0.0.1', path: '^/models/', as: 'blob' }])}`,
      ],
    })
    const agent = topology.url('agent-1', 'registry')
    const output = new ComparingSink('model')
    const got = { ...recordingHost(), output }
    const exit = await run(['get', `${web.url}/models/large`, '--agent', agent], got)
    expect([exit, output.right]).toEqual([exitCodes.done, SIZE])
    expect(web.sent).toBeLessThan(SIZE + 0.01 * GIB)
    const peaks = await Promise.all(['origin-1', 'agent-1'].map((id) => peakOf(topology.pid(id))))
    expect(peaks.filter((peak) => peak >= MEMORY)).toEqual([])
  },
  LIMIT_MS,
)
