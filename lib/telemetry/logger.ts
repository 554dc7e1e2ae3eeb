/** Facts of one log line. An `err` is serialised with its code and chain of causes. */
export type LogFields = Readonly<Record<string, unknown>>

/**
 * Static sentences in lower case, facts in fields. A level that is off costs nothing: its method is bound to a no-op
 * once, at construction.
 */
export interface Logger {
  debug(message: string, fields?: LogFields): void
  info(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
  error(message: string, fields?: LogFields): void
  /** A logger that adds `fields` to every line. */
  child(fields: LogFields): Logger
}
