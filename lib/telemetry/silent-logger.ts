import type { Logger } from './logger.ts'

const nothing = () => undefined

/** A logger that says nothing. */
export function silentLogger(): Logger {
  const logger: Logger = { debug: nothing, info: nothing, warn: nothing, error: nothing, child: () => logger }
  return logger
}
