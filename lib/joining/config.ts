import { z } from 'zod'
import { baseUrl, secretText } from '../config/index.ts'
import { isLoopback } from '../identity/index.ts'

/** Config key of the services that may join a manager; absent: there is none. */
export const managerKey = z
  .strictObject({
    /** Its listener `http`. */
    url: baseUrl,
    /** Join token of the cluster. */
    token: secretText.transform((value) => () => value).exactOptional(),
    /** The file that holds it; read whenever it is needed. */
    tokenFile: z.string().min(1).exactOptional(),
    /** Its name among those of its kind. Default: `member`, or else host and port of its admin listener. */
    member: z.string().min(1).max(128).exactOptional(),
    /** How the manager, and for `http` the agents, reach its listeners. Default: as they are bound. */
    advertise: z
      .strictObject({
        ops: baseUrl.exactOptional(),
        admin: baseUrl.exactOptional(),
        http: baseUrl.exactOptional(),
      })
      .prefault({}),
    /** Lets tokens and keys go over plain HTTP to another machine. */
    insecure: z.boolean().default(false),
  })
  .refine(({ token, tokenFile }) => token === undefined || tokenFile === undefined, {
    path: ['tokenFile'],
    message: 'give the token or its file, not both',
  })
  .refine(({ url, insecure }) => insecure || isSafe(url), {
    path: ['url'],
    message: 'a join over plain HTTP shows its secrets to the network; use https, or set insecure: true',
  })
  .refine(({ advertise, insecure }) => insecure || advertise.admin === undefined || isSafe(advertise.admin), {
    path: ['advertise', 'admin'],
    message: 'the manager would show its key to the network; use https, or set insecure: true',
  })
  .exactOptional()

/** Whether what is sent there is seen by nobody else. */
export function isSafe(url: string): boolean {
  const { protocol, hostname } = new URL(url)
  return protocol === 'https:' || isLoopback(hostname)
}

export type ManagerConfig = NonNullable<z.output<typeof managerKey>>
