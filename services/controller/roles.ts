import type { ControllerConfig } from './config.ts'
import type { MakeRoles } from './duty.ts'
import type { Role, RoleComponents } from './role.ts'

type MakeRole = (components: RoleComponents, config: ControllerConfig) => Role

/** How each role is made, by its name in the config. */
const makers: Readonly<Record<string, MakeRole>> = {}

/** Those that the config names. */
export const rolesOf: MakeRoles = (components, config) => {
  const wanted: readonly string[] = config.roles
  return Object.entries(makers).flatMap(([name, make]) => (wanted.includes(name) ? [make(components, config)] : []))
}
