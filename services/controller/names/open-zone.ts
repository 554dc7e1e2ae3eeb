import { appError, type Clock, parseJson, type Startable } from '../../../lib/base/index.ts'
import type { HttpClient } from '../../../lib/http/index.ts'
import { watchedFile } from '../../../lib/identity/index.ts'
import type { Logger } from '../../../lib/telemetry/index.ts'
import type { Kube } from '../kubernetes/index.ts'
import { type NamesConfig, volcKeySchema } from './config.ts'
import type { Zone } from './zone.ts'
import { dnsEndpointZone } from './zones/dns-endpoint/dns-endpoint-zone.ts'
import { hostsZone } from './zones/hosts/hosts-zone.ts'
import { privateZone } from './zones/private-zone/private-zone.ts'
import { privateZoneApi } from './zones/private-zone/private-zone-api.ts'

export interface OpenZoneComponents {
  readonly http: HttpClient
  readonly clock: Clock
  readonly logger: Logger
  readonly kube: Pick<Kube, 'namespace' | 'reads' | 'writes'>
}

export interface OpenZone {
  readonly zone: Zone
  /** What has to run for it. */
  readonly parts: readonly Startable[]
}

/** The zone that the config names. */
export function openZone(components: OpenZoneComponents, { zone, base = '', owner }: NamesConfig): OpenZone {
  const mark = `shoal:${owner}`
  const { driver, file = '' } = zone
  if (driver === 'hosts') return { zone: hostsZone({ file, mark }), parts: [] }
  if (driver === 'dnsendpoint') return { zone: dnsEndpointZone(components, { mark }), parts: [] }
  const { zid = 0, name: zoneName = '', region, endpoint, credentials: path = '' } = zone
  const keys = watchedFile(components, { path, parse: (text) => keyIn(text, path) })
  const key = () => {
    if (keys.value === undefined) throw appError('ZONE_DENIED', { message: 'the key has not been read yet' })
    return keys.value
  }
  const api = privateZoneApi({ ...components, key }, { endpoint, region })
  return { zone: privateZone({ api }, { zid, zoneName, base, mark }), parts: [keys] }
}

/** @throws CONFIG_INVALID, which shows nothing of the text */
function keyIn(text: string, path: string) {
  try {
    return volcKeySchema.parse(parseJson(text))
  } catch {
    const message = `${path} must be JSON with accessKeyId and secretAccessKey`
    throw appError('CONFIG_INVALID', { message })
  }
}
