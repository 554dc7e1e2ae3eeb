import type { Startable } from '../base/index.ts'
import type { ConfigOf, ServiceSchema } from './config.ts'
import type { Runtime } from './runtime.ts'
import type { ServiceKind } from './service-table.ts'

/** How the cli, the herd and tests use a service. */
export interface ServiceDoor<
  S extends ServiceSchema = ServiceSchema,
  Components extends Partial<Runtime> = Partial<Runtime>,
> {
  readonly kind: ServiceKind
  readonly schema: S
  /** Builds the service, without effects. @throws INSECURE_BIND, CONFIG_INVALID */
  make(components: Components, config: ConfigOf<S>): Startable
}

/** Gives a door its types; returns it unchanged. */
export const serviceDoor = <S extends ServiceSchema, Components extends Partial<Runtime>>(
  door: ServiceDoor<S, Components>,
): ServiceDoor<S, Components> => door
