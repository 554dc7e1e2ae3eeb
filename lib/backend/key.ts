import { appError } from '../base/index.ts'

/** Longest key that every object store accepts, in bytes. */
export const MAX_KEY_BYTES = 1024
const segment = /^(?!\.{1,2}$)[A-Za-z0-9._:-]+$/

/** Checks that every driver can store the key. @throws BACKEND_KEY_INVALID */
export function checkKey(key: string): void {
  if (key.length > MAX_KEY_BYTES || !key.split('/').every((part) => segment.test(part))) {
    throw appError('BACKEND_KEY_INVALID', { detail: { key: key.slice(0, MAX_KEY_BYTES) } })
  }
}

/** A prefix may end within a segment or in `/`; the empty prefix matches every key. @throws BACKEND_KEY_INVALID */
export function checkPrefix(prefix: string): void {
  if (prefix !== '') checkKey(prefix.endsWith('/') ? prefix.slice(0, -1) : prefix)
}
