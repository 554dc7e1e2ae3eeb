import { Writable } from 'node:stream'
import winston from 'winston'
import { errorFields } from './error-fields.ts'
import type { LogFields, Logger } from './logger.ts'
import { silentLogger } from './silent-logger.ts'

export const logLevels = ['debug', 'info', 'warn', 'error', 'silent'] as const

/** The least severe level that is written; `silent` writes nothing. */
export type LogLevel = (typeof logLevels)[number]

export interface JsonLoggerInit {
  readonly level: LogLevel
  /** Written in every line. */
  readonly service: string
  /**
   * Where lines are written; default standard output. Use standard error when standard output serves another purpose.
   */
  readonly stream?: NodeJS.WritableStream
  /** Receives each line, including its newline, instead of `stream`. */
  readonly write?: (line: string) => void
}

type WrittenLevel = Exclude<LogLevel, 'silent'>
type Emit = (level: WrittenLevel, message: string, fields: LogFields) => void

const severity: Readonly<Record<WrittenLevel, number>> = { error: 0, warn: 1, info: 2, debug: 3 }
const nothing = () => undefined

const plain = (key: string, value: unknown): unknown => {
  if (typeof value === 'bigint') return value.toString()
  if (key === 'err' || (value !== null && typeof value === 'object' && 'stack' in value)) return errorFields(value)
  return value
}

const lineOf = (info: winston.Logform.TransformableInfo): string => {
  const { level, message, fields, ...rest } = info
  return JSON.stringify({ time: new Date().toISOString(), level, ...rest, message, ...(fields as LogFields) }, plain)
}

const sinkOf = (init: JsonLoggerInit): NodeJS.WritableStream => {
  const { write } = init
  if (write === undefined) return init.stream ?? process.stdout
  return new Writable({
    decodeStrings: false,
    write(chunk: string, _encoding, done) {
      write(chunk)
      done()
    },
  })
}

const bound = (level: WrittenLevel, emit: Emit, fields: LogFields): Logger => {
  const method = (own: WrittenLevel): Logger['debug'] =>
    severity[own] > severity[level] ? nothing : (message, more) => emit(own, message, { ...fields, ...more })
  return {
    debug: method('debug'),
    info: method('info'),
    warn: method('warn'),
    error: method('error'),
    child: (more) => bound(level, emit, { ...fields, ...more }),
  }
}

/** Writes one JSON line for each event: `time`, `level`, `service`, `message`, then the fields. */
export function jsonLogger(init: JsonLoggerInit): Logger {
  const { level } = init
  if (level === 'silent') return silentLogger()
  const inner = winston.createLogger({
    level,
    levels: severity,
    format: winston.format.printf(lineOf),
    // eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- winston types its transport as an interface, not the class
    transports: [new winston.transports.Stream({ stream: sinkOf(init), eol: '\n' })],
  })
  return bound(
    level,
    (own, message, fields) => void inner.log({ level: own, message, service: init.service, fields }),
    {},
  )
}
