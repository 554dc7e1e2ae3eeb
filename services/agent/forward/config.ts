import { z } from 'zod'
import { duration, hostPattern, pathPattern, portList } from '../../../lib/config/index.ts'

/** Most entries of each list. */
const MOST_HOSTS = 200
const MOST_RULES = 32
const MOST_AT_ONCE = 10_000

/** A host that is relayed to, and how it is reached. */
export const hostKeys = z.strictObject({
  host: hostPattern,
  /** Default: those of `forward.ports`. */
  ports: portList.exactOptional(),
  /** Requests for `http://` go to it by https. */
  https: z.boolean().exactOptional(),
  /** PEM file of authorities that are trusted there besides those of Node. */
  ca: z.string().min(1).exactOptional(),
  /** It may be on this machine, and a pattern may lead to private networks. */
  inner: z.boolean().default(false),
})

const host = z.preprocess((value) => (typeof value === 'string' ? { host: value } : value), hostKeys)

/** What becomes of requests that fit; the first rule that fits counts. */
export const ruleKeys = z.strictObject({
  host: hostPattern.default('*'),
  path: pathPattern.default(''),
  /**
   * `mirror`: manifests and blobs of a registry that is served come from the cluster; `blob`: what lies under the URL does;
   * `relay`: everything is passed on.
   */
  as: z.enum(['mirror', 'blob', 'relay']),
})

/** Hosts whose TLS ends here, so that what is asked for inside of a tunnel goes by the same rules; off by default. */
const inspectKeys = z
  .strictObject({
    hosts: z.array(hostPattern).max(MOST_HOSTS).default([]),
    /** PEM files of an authority that the clients trust, with which certificates of these hosts are signed. */
    ca: z.strictObject({ certificate: z.string().min(1), key: z.string().min(1) }).exactOptional(),
  })
  .refine(({ hosts, ca }) => hosts.length === 0 || ca !== undefined, {
    path: ['ca'],
    message: 'whose TLS is looked into is shown certificates of an authority; name its files',
  })
  .prefault({})

/** The forward proxy at the usual listener for clients. */
export const forwardKeys = z
  .strictObject({
    /**
     * `auto`: any host for callers of this machine, the named ones alone where the listener is reached from beyond; `named`:
     * those alone everywhere; `none`: no proxy.
     */
    to: z.enum(['auto', 'named', 'none']).default('auto'),
    hosts: z.array(host).max(MOST_HOSTS).prefault([]),
    ports: portList.default([80, 443]),
    rules: z
      .array(ruleKeys)
      .max(MOST_RULES)
      .prefault([{ path: '^/v2/', as: 'mirror' }]),
    inspect: inspectKeys,
    /** A request or tunnel without a byte for so long is cut. */
    idle: duration.refine((ms) => ms > 0, 'must be longer than 0').prefault('5m'),
    /** Most requests and tunnels at the same time. */
    connections: z.int().min(1).max(MOST_AT_ONCE).default(128),
  })
  .prefault({})

/** Times in milliseconds. */
export type ForwardConfig = z.output<typeof forwardKeys>
export type InspectConfig = ForwardConfig['inspect']
export type ForwardHost = z.output<typeof hostKeys>
export type ForwardRule = z.output<typeof ruleKeys>
