import { type SpawnOptions, spawn } from 'node:child_process'
import { type AbortOptions, appError, type Clock, deadline } from '../../base/index.ts'
import type { Login } from './credentials.ts'

/** Longest run of a helper in milliseconds; the helpers of cloud providers call a service first. */
export const HELPER_TIMEOUT_MS = 30_000

/** Longest output of a helper, in bytes. */
const MAX_OUTPUT_BYTES = 64 * 1024

/** Docker's helpers print this, with exit code 1, for an unknown server. */
const UNKNOWN_SERVER = /credentials not found/

/** Docker's helpers use this user name when the secret is an identity token. */
const IDENTITY_USER = '<token>'

export interface HelperComponents {
  readonly clock: Clock
  /** The helper's environment, with its path and its settings; default that of this process. */
  readonly env?: Readonly<Record<string, string>> | undefined
}

/**
 * Asks the program `docker-credential-<name>` for the login to `server`. Undefined when it has none. Its output is
 * secret and is never put into an error.
 * @throws BACKEND_UNAVAILABLE when it fails, ABORTED
 */
export async function askHelper(
  { clock, env }: HelperComponents,
  { name, server, signal }: { readonly name: string; readonly server: string } & AbortOptions,
): Promise<Login | undefined> {
  const limit = deadline(clock, HELPER_TIMEOUT_MS, signal)
  try {
    const { exitCode, output } = await run(`docker-credential-${name}`, server, { env, signal: limit.signal })
    if (exitCode !== 0 && UNKNOWN_SERVER.test(output)) return undefined
    if (exitCode !== 0) throw failed(name, { exitCode })
    return loginIn(name, output)
  } catch (err) {
    if (signal?.aborted === true) throw appError('ABORTED', { cause: signal.reason })
    throw limit.expired ? failed(name, { timeoutMs: HELPER_TIMEOUT_MS }) : err
  } finally {
    limit.release()
  }
}

interface HelperRun {
  readonly exitCode: number | null
  readonly output: string
}

function run(program: string, input: string, init: Pick<SpawnOptions, 'env' | 'signal'>): Promise<HelperRun> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, ['get'], { ...init, stdio: ['pipe', 'pipe', 'ignore'], killSignal: 'SIGKILL' })
    const chunks: Uint8Array[] = []
    let size = 0
    child.stdout.on('data', (chunk: Uint8Array) => {
      size += chunk.length
      if (size > MAX_OUTPUT_BYTES) child.kill('SIGKILL')
      else chunks.push(chunk)
    })
    child.on('error', (err) => reject(failed(program, { reason: 'it does not start' }, err)))
    child.on('close', (exitCode) => resolve({ exitCode, output: Buffer.concat(chunks).toString('utf8') }))
    // A helper may exit before it has read its input; its exit code explains why.
    child.stdin.on('error', () => undefined).end(input)
  })
}

function loginIn(name: string, output: string): Login {
  const { Username: username, Secret: secret } = parsed(name, output)
  if (typeof username !== 'string' || typeof secret !== 'string')
    throw failed(name, { reason: 'no login in its answer' })
  return username === IDENTITY_USER
    ? { kind: 'identity', token: secret }
    : { kind: 'password', username, password: secret }
}

function parsed(name: string, output: string): { readonly Username?: unknown; readonly Secret?: unknown } {
  try {
    return (JSON.parse(output) ?? {}) as object
  } catch {
    throw failed(name, { reason: 'its answer is not JSON' })
  }
}

function failed(helper: string, detail: Readonly<Record<string, unknown>>, cause?: unknown) {
  return appError('BACKEND_UNAVAILABLE', {
    message: 'the credential helper of docker failed; run it by hand to see why',
    detail: { helper, ...detail },
    cause,
  })
}
