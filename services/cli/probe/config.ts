import { z } from 'zod'
import { listenerOn, tlsFiles } from '../../../lib/config/index.ts'
import { defaultPorts, type ServiceKind } from '../../../lib/service/index.ts'

/** What a probe needs of the config of a service; the service itself has judged the rest. */
export const probedSchema = (kind: ServiceKind) =>
  z.object({ ops: listenerOn(`127.0.0.1:${defaultPorts(kind)['ops'] ?? 'auto'}`), tls: tlsFiles })
