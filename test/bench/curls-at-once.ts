import { setMaxListeners } from 'node:events'
import { closeSync, constants, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { eventually } from '../kit/eventually.ts'
import { run } from '../kit/run.ts'
import { tempFolder } from '../kit/temp-folder.ts'
import { type CurlTimes, curlFormat, curlTimes } from './measure.ts'

export interface AtOnceOptions {
  /** Size of the body behind every URL. */
  readonly expectBytes: number
  readonly signal: AbortSignal
}

const TIMEOUT_MS = 600_000

const settings = (urls: readonly string[]) =>
  [
    ...(urls.length > 1 ? ['parallel', 'parallel-immediate'] : []),
    `write-out = ${JSON.stringify(curlFormat)}`,
    ...urls.flatMap((url) => ['output = /dev/null', `url = ${JSON.stringify(url)}`]),
    '',
  ].join('\n')

/** Opens a named pipe as soon as somebody reads it; it never blocks, so a curl that did not start holds up nothing. */
const gateOf = (path: string, signal: AbortSignal) =>
  eventually(() => openSync(path, constants.O_WRONLY | constants.O_NONBLOCK), { timeoutMs: 60_000, signal })

/**
 * One curl for each client, which fetches all URLs of its client at once. All curls begin at the same moment: each has
 * started and waits at a named pipe for the URLs. Returns, for each client, its first byte of any URL and the end of
 * its last one, by curl's own clock.
 *
 * @throws on a status other than 200 or a short body; then no curl is left
 */
export async function curlsAtOnce(
  clients: readonly (readonly string[])[],
  { expectBytes, signal }: AtOnceOptions,
): Promise<CurlTimes[]> {
  await using folder = await tempFolder('curls')
  const gates = clients.map((_, i) => join(folder.path, String(i)))
  await run('mkfifo', gates)
  const failed = new AbortController()
  const cut = AbortSignal.any([signal, failed.signal])
  // Each client has its curl, its wait for the gate and the pause within that wait.
  setMaxListeners(3 * clients.length, cut)
  const pulls = Promise.all(
    gates.map((gate) => run('curl', ['-sS', '-K', gate], { timeoutMs: TIMEOUT_MS, signal: cut })),
  )
  const release = async () => {
    const open = await Promise.all(gates.map((gate) => gateOf(gate, cut)))
    for (const [i, file] of open.entries()) {
      writeSync(file, settings(clients[i] ?? []))
      closeSync(file)
    }
  }
  try {
    const [outputs] = await Promise.all([pulls, release()])
    return outputs.map(({ stdout }) => {
      const times = curlTimes(stdout, expectBytes)
      return {
        firstByteMs: Math.min(...times.map(({ firstByteMs }) => firstByteMs)),
        totalMs: Math.max(...times.map(({ totalMs }) => totalMs)),
      }
    })
  } catch (error) {
    failed.abort(error)
    await Promise.allSettled([pulls])
    throw error
  }
}
