import { z } from 'zod'
import { baseUrl, duration } from '../../../lib/config/index.ts'
import { objectName } from '../kubernetes/index.ts'

const dnsName = z
  .string()
  .max(200)
  .regex(
    /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{1,63}$/,
    'a name is lower case and has no dot at its end',
  )

const label = z.string().regex(/^[A-Za-z0-9./_-]{1,316}$/, 'a label is written as in Kubernetes')

const DNS_PORT = 53

const SERVER = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9.-]{1,253}))(?::(\d{1,5}))?$/i

/** `host` or `host:port`; an IPv6 address stands in brackets. */
const nameServerAddress = z
  .string()
  .regex(SERVER, 'write it like ns1.example.com or 10.0.0.53:53')
  .transform((text) => {
    const [, inner, plain = '', port] = SERVER.exec(text) ?? []
    return { host: inner ?? plain, port: port === undefined ? DNS_PORT : Number(port) }
  })
  .refine(({ port }) => port >= 1 && port <= 65_535, 'a port is 1 to 65535')

/** Drivers that keep records in a zone whose name they are told. */
const IN_A_ZONE: readonly string[] = ['privatezone', 'rfc2136']

const distinct = (items: readonly string[]) => new Set(items).size === items.length

/** Where the records are kept; which keys count is said by the driver. */
const zone = z
  .strictObject({
    driver: z.enum(['dnsendpoint', 'hosts', 'privatezone', 'rfc2136']).default('dnsendpoint'),
    /** Of `hosts`: the file that the DNS server reads. */
    file: z.string().min(1).exactOptional(),
    /** Of `privatezone`. */
    zid: z.int().min(1).exactOptional(),
    /** Of `rfc2136`: the primary name server of the zone. */
    server: nameServerAddress.exactOptional(),
    /** Of `privatezone` and `rfc2136`. */
    name: dnsName.exactOptional(),
    region: z
      .string()
      .regex(/^[a-z0-9-]+$/)
      .default('cn-beijing'),
    endpoint: baseUrl.prefault('https://private-zone.volcengineapi.com'),
    /** JSON file as in `volcKeySchema`, or a key as `tsig-keygen` writes it; read again while the service runs. */
    credentials: z.string().min(1).exactOptional(),
  })
  .superRefine(({ driver, file, zid, name, server, credentials }, context) => {
    const missing = {
      hosts: { file },
      privatezone: { zid, name, credentials },
      rfc2136: { server, name, credentials },
      dnsendpoint: {},
    }[driver]
    for (const [key, value] of Object.entries(missing))
      if (value === undefined)
        context.addIssue({ code: 'custom', path: [key], message: `the driver ${driver} needs it` })
  })
  .prefault({})

/** What the role `names` keeps, and where. */
export const namesSchema = z
  .strictObject({
    /** The name of all caches; those of zones stand below it. */
    base: dnsName.exactOptional(),
    /** Part of the mark by which records are known as ours: another one for each cluster that writes in a zone. */
    owner: objectName.default('shoal'),
    /** Where the pods are. Default: the namespace of the controller. */
    namespace: objectName.exactOptional(),
    /** Labels that a pod has to have. */
    labels: z.record(label, z.string().max(63)).default({ 'app.kubernetes.io/component': 'agent' }),
    kinds: z
      .array(z.enum(['node', 'virtual']))
      .min(1)
      .refine(distinct, 'a kind is named twice')
      .default(['node', 'virtual']),
    /** The label of nodes that only pose as such. */
    virtualNodes: z
      .string()
      .regex(/^[^=\s]+=[^=\s]*$/, 'write it like type=virtual-kubelet')
      .default('type=virtual-kubelet'),
    /** Empty: caches of every zone. */
    zones: z.array(z.string().min(1).max(63)).max(100).default([]),
    perZone: z.boolean().default(true),
    /** Most addresses of a name. */
    most: z.int().min(1).max(50).default(8),
    ttl: duration.refine((ms) => ms >= 5_000 && ms <= 30_000, 'a TTL is 5s to 30s').prefault('10s'),
    settle: duration.prefault('10s'),
    replace: duration.prefault('10m'),
    /** The port where caches answer clients. */
    port: z.int().min(1).max(65_535).default(65_001),
    /** Admin listeners of the trackers, which say how much caches send. */
    trackers: z.array(baseUrl).max(64).prefault([]),
    writes: z
      .strictObject({
        perSecond: z.number().gt(0).max(10).default(2),
        burst: z.int().min(1).max(100).default(5),
      })
      .prefault({}),
    zone,
  })
  .refine(({ base, zone: { driver, name } }) => !IN_A_ZONE.includes(driver) || isBelow(base, name), {
    path: ['base'],
    message: 'must be the zone of names.zone.name, or a name below it',
  })
  .prefault({})

const isBelow = (base: string | undefined, name: string | undefined): boolean =>
  base === undefined || name === undefined || base === name || base.endsWith(`.${name}`)

export type NamesConfig = z.output<typeof namesSchema>

const keyPart = z.string().regex(/^\S+$/, 'must not be empty or hold spaces')

/** Content of the file of credentials of Volcano Engine; other members are ignored. */
export const volcKeySchema = z.object({
  accessKeyId: keyPart,
  secretAccessKey: keyPart,
  sessionToken: keyPart.optional(),
})
