import { accountsRole } from './accounts/index.ts'
import type { ControllerConfig, RoleName } from './config.ts'
import type { MakeRoles } from './duty.ts'
import { namesRole } from './names/index.ts'
import type { Role, RoleComponents } from './role.ts'

type MakeRole = (components: RoleComponents, config: ControllerConfig) => Role

/** How each role is made. */
const makers: Readonly<Record<RoleName, MakeRole>> = {
  names: namesRole,
  accounts: (components, config) => accountsRole(components, config),
}

/** Those that the config names. */
export const rolesOf: MakeRoles = (components, config) => {
  const wanted: readonly string[] = config.roles
  return Object.entries<MakeRole>(makers).flatMap(([name, make]) =>
    wanted.includes(name) ? [make(components, config)] : [],
  )
}
