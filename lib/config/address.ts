import { appError } from '../base/index.ts'

/** Where a listener binds. */
export interface Bind {
  readonly host: string
  /** 0 means any free port. */
  readonly port: number
}

const MAX_PORT = 65_535

/** What stands in the place of an address of a listener that is not opened. */
const OFF = 'off'

/** Parses `off` to undefined, and else as `parseBind`. @throws CONFIG_INVALID */
export function parseBindOrOff(text: string): Bind | undefined {
  return text.trim() === OFF ? undefined : parseBind(text)
}

/** Parses `host:port` or `[::1]:port`; the port may be `auto` (any free one). @throws CONFIG_INVALID */
export function parseBind(text: string): Bind {
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([^:\s[\]]+)):(\d{1,5}|auto)$/.exec(text.trim())
  const host = match?.[1] ?? match?.[2]
  const port = match?.[3] === 'auto' ? 0 : Number(match?.[3])
  if (host === undefined || !(port <= MAX_PORT)) {
    throw appError('CONFIG_INVALID', {
      message: `"${text}" is not an address; write it like 127.0.0.1:5000, [::1]:5000 or 127.0.0.1:auto`,
    })
  }
  return { host, port }
}
