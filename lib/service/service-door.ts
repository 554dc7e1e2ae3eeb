import type { Startable } from '../base/index.ts'
import type { ConfigOf, ServiceSchema } from './config.ts'
import type { Runtime } from './runtime.ts'
import type { ServiceKind } from './service-table.ts'

/** How a service is entered from outside: by the cli, the herd and tests. */
export interface ServiceDoor<
  S extends ServiceSchema = ServiceSchema,
  Components extends Partial<Runtime> = Partial<Runtime>,
> {
  readonly kind: ServiceKind
  readonly schema: S
  /** Builds it, without effects. @throws INSECURE_BIND, CONFIG_INVALID */
  make(components: Components, config: ConfigOf<S>): Startable
}

/** A door; gives it its types. */
export const serviceDoor = <S extends ServiceSchema, Components extends Partial<Runtime>>(
  door: ServiceDoor<S, Components>,
): ServiceDoor<S, Components> => door
