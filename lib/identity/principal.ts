/** What a caller may do; `admin` includes `write`, `write` includes `read`. */
export type Right = 'read' | 'write' | 'admin'

/** Who is calling. */
export interface Principal {
  /** `anonymous`, `cluster` (the cluster token), later certificate and user names. */
  readonly name: string
  readonly rights: readonly Right[]
}

/** True when the principal has the right `right`. */
export function may(principal: Principal, right: Right | 'none'): boolean {
  return right === 'none' || principal.rights.includes(right)
}
