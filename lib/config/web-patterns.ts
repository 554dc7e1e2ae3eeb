import { z } from 'zod'
import { hasCode, linearPattern } from '../base/index.ts'

/** Most ports of one list. */
const MOST_PORTS = 16

/** Ports that may be connected to. */
export const portList = z.array(z.int().min(1).max(65_535)).min(1).max(MOST_PORTS)

/** A host without a port, `*` for any characters; an IPv6 address in brackets. */
export const hostPattern = z
  .string()
  .max(253)
  .regex(
    /^(?:[a-z0-9*](?:[a-z0-9*._-]*[a-z0-9*])?|\[[0-9a-f:.]+\])$/,
    'a host is written in lower case, without a port',
  )

function isPattern(text: string): boolean {
  try {
    linearPattern(text)
    return true
  } catch (err) {
    if (hasCode(err, 'CONFIG_INVALID')) return false
    throw err
  }
}

/** A simple regular expression for the path of a URL. */
export const pathPattern = z
  .string()
  .refine(isPattern, 'a pattern of at most 200 characters: . [] () | ^ $ \\d \\w and counts; no look-around')
