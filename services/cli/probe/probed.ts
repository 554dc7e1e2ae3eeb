import { appError, nearest } from '../../../lib/base/index.ts'
import { type ConfigSources, loadConfig } from '../../../lib/config/index.ts'
import {
  type CommonConfig,
  type ServiceKind,
  serviceFacts,
  serviceFlags,
  serviceKinds,
} from '../../../lib/service/index.ts'
import { addressOf } from '../own-address.ts'
import { probedSchema } from './config.ts'

/** A service to ask: its name, the address of its ops listener, and the files by which certificates are judged. */
export interface Probed {
  readonly name: string
  readonly url: string
  readonly tls: CommonConfig['tls']
}

async function probedOf(kind: ServiceKind, sources: ConfigSources): Promise<Probed> {
  const { ops, tls } = await loadConfig(probedSchema(kind), sources)
  const { name } = serviceFacts(kind)
  if (ops.bind.port === 0)
    throw appError('CONFIG_INVALID', {
      message: `the ops listener of ${name} has any free port, so it cannot be found`,
    })
  return { name, url: addressOf({ tls }, ops), tls }
}

/** A herd has a controller or a manager only when somebody asks for one. */
const herd = serviceKinds.filter((kind) => kind !== 'controller' && kind !== 'manager')

/**
 * The services that `shoal` runs with these words: the one that they name, or all kinds of a herd, whose first instances
 * have the usual ports.
 * @throws CONFIG_INVALID
 */
export async function probedBy(words: readonly string[], env: ConfigSources['env']): Promise<readonly Probed[]> {
  const [name = '', ...flags] = words
  if (name === 'herd') return Promise.all(herd.map((kind) => probedOf(kind, {})))
  const kind = serviceKinds.find((each) => serviceFacts(each).name === name)
  if (kind === undefined) throw appError('CONFIG_INVALID', { message: notAService(name) })
  const sources = serviceFlags(flags)
  return [await probedOf(kind, sources === 'help' ? { env } : { ...sources, env })]
}

function notAService(name: string): string {
  const names = serviceKinds.map((kind) => serviceFacts(kind).name)
  const meant = nearest(name, names)
  return `"${name}" is no service${meant === undefined ? '' : `; did you mean ${meant}?`}`
}
