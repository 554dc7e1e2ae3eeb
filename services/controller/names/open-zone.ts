import { appError, type Clock, parseJson, type Random, type Startable } from '../../../lib/base/index.ts'
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
import { tsigKeyIn } from './zones/rfc2136/key-file.ts'
import { nameServer } from './zones/rfc2136/name-server.ts'
import { rfc2136Zone } from './zones/rfc2136/rfc2136-zone.ts'

export interface OpenZoneComponents {
  readonly http: HttpClient
  readonly clock: Clock
  readonly random: Random
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
  const { driver, file = '', zid = 0, name: zoneName = '', region, endpoint } = zone
  if (driver === 'hosts') return { zone: hostsZone({ file, mark }), parts: [] }
  if (driver === 'dnsendpoint') return { zone: dnsEndpointZone(components, { mark }), parts: [] }
  if (driver === 'rfc2136') {
    const { key, part } = watchedKey(components, zone, tsigKeyIn)
    const server = nameServer({ ...components, key }, zone.server ?? { host: '', port: 0 })
    return { zone: rfc2136Zone({ server }, { zone: zoneName, base, mark }), parts: [part] }
  }
  const { key, part } = watchedKey(components, zone, keyIn)
  const api = privateZoneApi({ ...components, key }, { endpoint, region })
  return { zone: privateZone({ api }, { zid, zoneName, base, mark }), parts: [part] }
}

/** What the file of credentials holds now. `key` throws ZONE_DENIED as long as it has not been read. */
function watchedKey<T>(
  components: Pick<OpenZoneComponents, 'clock' | 'logger'>,
  { credentials: path = '' }: Pick<NamesConfig['zone'], 'credentials'>,
  parse: (text: string, path: string) => T,
): { readonly key: () => T; readonly part: Startable } {
  const keys = watchedFile(components, { path, parse: (text) => parse(text, path) })
  const key = () => {
    if (keys.value === undefined) throw appError('ZONE_DENIED', { message: 'the key has not been read yet' })
    return keys.value
  }
  return { key, part: keys }
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
