import { z } from 'zod'
import { baseUrl, secretText } from '../config/index.ts'
import { isLoopback } from '../identity/index.ts'

const url = baseUrl.exactOptional()

/** How the manager, and for `http` the agents, reach the listeners. Default: as they are bound. */
const advertiseKeys = { ops: url, admin: url }

/** Whether what is sent there is seen by nobody else. */
export function isSafe(at: string): boolean {
  const { protocol, hostname } = new URL(at)
  return protocol === 'https:' || isLoopback(hostname)
}

const managerKeys = {
  /** Its listener `http`. */
  url: baseUrl,
  /** Join token of the cluster. */
  token: secretText.transform((value) => () => value).exactOptional(),
  /** The file that holds it; read whenever it is needed. */
  tokenFile: z.string().min(1).exactOptional(),
  /** Its name among those of its kind. Default: `member`, or else host and port of its admin listener. */
  member: z.string().min(1).max(128).exactOptional(),
  /** Lets tokens and keys go over plain HTTP to another machine. Default false. */
  insecure: z.boolean().exactOptional(),
}

interface Given {
  readonly url: string
  readonly token?: unknown
  readonly tokenFile?: string
  readonly insecure?: boolean
  readonly advertise: { readonly admin?: string }
}

/** What contradicts itself, or would show secrets to the network. */
function check({ url: at, token, tokenFile, insecure, advertise: { admin } }: Given, context: z.RefinementCtx): void {
  const refuse = (path: readonly string[], message: string) =>
    context.addIssue({ code: 'custom', path: [...path], message })
  if (token !== undefined && tokenFile !== undefined) refuse(['tokenFile'], 'give the token or its file, not both')
  if (insecure === true) return
  if (!isSafe(at)) refuse(['url'], 'plain HTTP would show the token to the network; use https, or set insecure: true')
  if (admin !== undefined && !isSafe(admin))
    refuse(['advertise', 'admin'], 'plain HTTP would show the key to the network; use https, or set insecure: true')
}

/** Config key of a service that may join a manager and that agents call; absent: there is none. */
export const managerKey = z
  .strictObject({ ...managerKeys, advertise: z.strictObject({ ...advertiseKeys, http: url }).prefault({}) })
  .superRefine(check)
  .exactOptional()
/** The same of a service that no other one calls. */
export const frontManagerKey = z
  .strictObject({ ...managerKeys, advertise: z.strictObject(advertiseKeys).prefault({}) })
  .superRefine(check)
  .exactOptional()

export type ManagerConfig = NonNullable<z.output<typeof managerKey>>
