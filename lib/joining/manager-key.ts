import { createHash, timingSafeEqual } from 'node:crypto'
import { credentialsIn, type Principal, type Shown } from '../identity/index.ts'

const sha256 = (text: string) => createHash('sha256').update(text).digest()

/** Who shows the key is the manager; compared in constant time. */
export function managerPrincipal(key: string): (req: Pick<Shown, 'headers'>) => Principal | undefined {
  const right = sha256(key)
  const manager: Principal = { name: 'manager', rights: ['inspect', 'admin'] }
  return ({ headers }) => {
    const shown = credentialsIn(headers.authorization)
    return shown.kind === 'bearer' && timingSafeEqual(sha256(shown.token), right) ? manager : undefined
  }
}
