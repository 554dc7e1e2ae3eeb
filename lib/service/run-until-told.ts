import { codeOf, deferred, hasCode, isAppError, type ProcessHost, type Startable } from '../base/index.ts'
import type { Runtime } from './runtime.ts'
import { unhandledRejections } from './unhandled.ts'

/** What a program runs. */
export interface Running {
  readonly service: Startable
  /** Where process events are logged and counted. */
  readonly runtimes: readonly Pick<Runtime, 'logger' | 'metrics'>[]
  /** Called once when the start is complete. */
  readonly onStarted?: () => void
}

const reasonOf = (err: unknown): string =>
  typeof err === 'object' && err !== null && 'message' in err ? String(err.message) : String(err)

/** Runs the service until `end`, which ends also a start that waits for something. */
async function untilEnd({ service, onStarted }: Running, end: Promise<void>): Promise<void> {
  const starting = service.start()
  const hasStarted = await Promise.race([starting.then(() => true), end.then(() => false)])
  if (hasStarted) {
    onStarted?.()
    await end
  }
  const stopping = service.stop()
  await starting.catch((err: unknown) => {
    if (!hasCode(err, 'SHUTTING_DOWN')) throw err
  })
  await stopping
}

/**
 * Runs the result of `open` until SIGTERM, SIGINT, or an unhandled rejection, then stops it, which drains running
 * answers. Gives the exit code: 0 after an orderly stop or when `open` gives nothing to run; 1 when the start failed
 * (one line says why), after an unhandled rejection, or when the stop failed.
 */
export async function runUntilTold(
  name: string,
  host: ProcessHost,
  open: () => Promise<Running | undefined>,
): Promise<number> {
  const end = deferred()
  let runtimes: Running['runtimes'] = []
  let exitCode = 0
  const complain = (err: unknown) =>
    host.complain(`shoal ${name}: ${isAppError(err) ? err.code : 'UNKNOWN'}: ${reasonOf(err)}`)
  const rejected = (err: unknown) => {
    exitCode = 1
    for (const { logger, metrics } of runtimes) {
      unhandledRejections(metrics).add()
      logger.error('a rejection was not handled, the process ends', { code: codeOf(err) ?? 'UNKNOWN', err })
    }
    if (runtimes.length === 0) complain(err)
    end.resolve()
  }
  const releases = [host.onTerminate(() => end.resolve()), host.onRejection(rejected)]
  try {
    const running = await open()
    if (running === undefined) return exitCode
    runtimes = running.runtimes
    await untilEnd(running, end.promise)
  } catch (err) {
    complain(err)
    exitCode = 1
  } finally {
    for (const release of releases) release()
  }
  return exitCode
}
