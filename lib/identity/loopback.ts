import { bareHost } from '../base/index.ts'
/** True for an address or name that only this machine can reach: 127.0.0.0/8, `::1`, `localhost`. */
export function isLoopback(host: string): boolean {
  const plain = bareHost(host).replace(/^::ffff:/i, '')
  return plain === '::1' || plain === 'localhost' || /^127(?:\.\d{1,3}){3}$/.test(plain)
}
