import { appError } from '../base/index.ts'

/** What every object store takes for a key. */
export const MAX_KEY_BYTES = 1024
const segment = /^(?!\.{1,2}$)[A-Za-z0-9._:-]+$/

/** Checks the form that every driver can store. @throws BACKEND_KEY_INVALID */
export function checkKey(key: string): void {
  if (key.length > MAX_KEY_BYTES || !key.split('/').every((part) => segment.test(part))) {
    throw appError('BACKEND_KEY_INVALID', { detail: { key: key.slice(0, MAX_KEY_BYTES) } })
  }
}

/** A prefix may end in the middle of a segment, or in `/`; the empty one holds every key. @throws BACKEND_KEY_INVALID */
export function checkPrefix(prefix: string): void {
  if (prefix !== '') checkKey(prefix.endsWith('/') ? prefix.slice(0, -1) : prefix)
}
