import { resolve } from 'node:path'
import type { Clock, Random } from '../base/index.ts'
import type { Logger, Metrics, Tracer } from '../telemetry/index.ts'
import type { Backend } from './backend.ts'
import type { Backends } from './backends.ts'
import { fileSchema } from './file/config.ts'
import { fileBackend } from './file/file-backend.ts'
import { governor } from './governor.ts'
import { httpSchema } from './http/config.ts'
import { httpBackend } from './http/http-backend.ts'
import { lazyBackend } from './lazy-backend.ts'
import { defaultBackendLimits } from './limits-config.ts'
import { pacedBackend } from './paced-backend.ts'
import { registrySchema } from './registry/config.ts'
import { registryBackend } from './registry/registry-backend.ts'
import { s3Schema } from './s3/config.ts'
import { tosSchema } from './tos/config.ts'
import { tosBackend } from './tos/tos-backend.ts'
import { unitBackend } from './unit-backend.ts'
import { backendUnits } from './units.ts'

export interface DriverComponents {
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly metrics: Metrics
  /** Default: no request belongs to a trace. */
  readonly tracer?: Tracer | undefined
}

/** A zod schema, of which this file needs only the type of what it gives. */
interface Schema {
  readonly _zod: { readonly output: unknown }
}

type OutputOf<S extends Schema> = S['_zod']['output']

/** One kind of backend. */
interface Driver<S extends Schema> {
  /** Its keys; `driver` is one of them. */
  readonly schema: S
  /** The backend, not yet started. */
  open(components: DriverComponents, config: OutputOf<S>): Backend | Backends
  /** False where the config makes the backend read-only. Default: it takes writes. */
  takesWrites?(config: OutputOf<S>): boolean
}

const driver = <S extends Schema>(row: Driver<S>): Driver<S> => row

/** Every driver by its name. A new driver is a new row here; `shadow`, which joins two backends, is none of them. */
export const drivers = {
  file: driver({
    schema: fileSchema,
    open: (components, { folder, limits }) =>
      unitBackend(
        pacedBackend(
          governor(components, { ...defaultBackendLimits, ...limits }),
          fileBackend(components, { folder: resolve(folder) }),
        ),
        backendUnits,
      ),
  }),
  tos: driver({
    schema: tosSchema,
    open: (components, config) =>
      unitBackend(tosBackend({ ...components, governor: governor(components, config.limits) }, config), backendUnits),
  }),
  s3: driver({
    schema: s3Schema,
    open: (components, { limits, ...config }) =>
      lazyBackend(async () => {
        const { s3Backend } = await import('./s3/s3-backend.ts')
        return unitBackend(s3Backend({ ...components, governor: governor(components, limits) }, config), backendUnits)
      }),
  }),
  registry: driver({
    schema: registrySchema,
    open: (components, { limits, ...config }) =>
      registryBackend({ ...components, governor: governor(components, limits) }, config),
    takesWrites: ({ mode }) => mode !== 'read-only',
  }),
  http: driver({
    schema: httpSchema,
    open: (components, { limits, ...config }) =>
      httpBackend({ ...components, governor: governor(components, limits) }, config),
    takesWrites: () => false,
  }),
}

type Drivers = typeof drivers

/** The config of one backend. */
export type DriverConfig = { readonly [D in keyof Drivers]: OutputOf<Drivers[D]['schema']> }[keyof Drivers]

/** The row of a config's own driver, so the config is what the row takes. */
const rowOf = (config: DriverConfig) => drivers[config.driver] as Driver<Schema>

/** The backend that `config` names, not yet started. */
export function openDriver(components: DriverComponents, config: DriverConfig): Backend | Backends {
  return rowOf(config).open(components, config)
}

/** Whether the backend that `config` names takes writes. */
export function takesWrites(config: DriverConfig): boolean {
  return rowOf(config).takesWrites?.(config) ?? true
}
