import type { LogFields, Logger } from './logger.ts'

export interface LogLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  readonly message: string
  /** Fields of the logger and of the call; an `err` is kept as it was thrown. */
  readonly fields: LogFields
}

export interface RecordingLogger extends Logger {
  /** Every line so far, including those of child loggers, oldest first. */
  readonly lines: readonly LogLine[]
}

/** Keeps every line, for tests. */
export function recordingLogger(): RecordingLogger {
  const lines: LogLine[] = []
  const withFields = (fields: LogFields): Logger => {
    const method = (level: LogLine['level']) => (message: string, more?: LogFields) =>
      void lines.push({ level, message, fields: { ...fields, ...more } })
    return {
      debug: method('debug'),
      info: method('info'),
      warn: method('warn'),
      error: method('error'),
      child: (more) => withFields({ ...fields, ...more }),
    }
  }
  return { ...withFields({}), lines }
}
