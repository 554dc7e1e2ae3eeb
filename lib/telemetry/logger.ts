/** Facts of one log line. An `err` is written with its code and its chain of causes. */
export type LogFields = Readonly<Record<string, unknown>>

/**
 * Messages are constant lower-case sentences; facts go into fields. A disabled level costs nothing, because its method
 * is replaced by a no-op at construction.
 */
export interface Logger {
  debug(message: string, fields?: LogFields): void
  info(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
  error(message: string, fields?: LogFields): void
  /** A logger that adds `fields` to every line. */
  child(fields: LogFields): Logger
}
