import type { LogLevel } from './json-logger.ts'
import type { Logger } from './logger.ts'

/** A logger whose level may change, with that of all its children. */
export interface LeveledLogger extends Logger {
  setLevel(level: LogLevel): void
}

const severity: Readonly<Record<LogLevel, number>> = { silent: -1, error: 0, warn: 1, info: 2, debug: 3 }

/** Passes on what is at least as severe as the level; what `inner` does not write stays unwritten. */
export function leveledLogger(inner: Logger, level: LogLevel): LeveledLogger {
  const now = { severity: severity[level] }
  const setLevel = (next: LogLevel) => {
    now.severity = severity[next]
  }
  return { ...bound(inner, now), setLevel }
}

function bound(inner: Logger, now: { readonly severity: number }): Logger {
  const passing =
    (own: Exclude<LogLevel, 'silent'>): Logger['debug'] =>
    (message, fields) => {
      if (severity[own] <= now.severity) inner[own](message, fields)
    }
  return {
    debug: passing('debug'),
    info: passing('info'),
    warn: passing('warn'),
    error: passing('error'),
    child: (fields) => bound(inner.child(fields), now),
  }
}
