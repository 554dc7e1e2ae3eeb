import { z } from 'zod'
import { storePassword } from '../../../lib/config/index.ts'

const MAX_AUTHORITIES = 16
const MAX_CONNECTIONS = 100

/** A name of the machine, or the folder of a socket: nothing leaves it. */
const isHere = (host: string) => host.startsWith('/') || /^(localhost|127(\.\d{1,3}){3}|::1)$/.test(host)

/** Where the manager keeps what it knows. */
export const databaseSchema = z
  .strictObject({
    /** libsql: one file in the folder, for one manager. postgres: a server, which two managers may share. */
    driver: z.enum(['libsql', 'postgres']).default('libsql'),
    /** Name or address of the server of PostgreSQL, or the folder of its socket. */
    host: z.string().min(1).max(253).default('localhost'),
    port: z.number().int().min(1).max(65_535).default(5432),
    /** Of the database and of the user in it. */
    name: z.string().min(1).max(63).default('shoal'),
    user: z.string().min(1).max(63).default('shoal'),
    password: storePassword.exactOptional(),
    /** The file that holds it, in place of `password`; read for each connection. */
    passwordFile: z.string().min(1).exactOptional(),
    /** verify: the server must show a certificate for its host. off: only to a server on this machine. */
    encrypt: z.enum(['verify', 'off']).default('verify'),
    /** PEM files of authorities that are trusted beside those of Node. */
    authorities: z.array(z.string().min(1)).max(MAX_AUTHORITIES).default([]),
    /** Most connections of this manager. */
    connections: z.number().int().min(2).max(MAX_CONNECTIONS).default(10),
  })
  .refine(({ driver, host, encrypt }) => driver === 'libsql' || encrypt === 'verify' || isHere(host), {
    message: 'encrypt may be off only for a server of PostgreSQL on this machine',
    path: ['encrypt'],
  })
  .refine(({ password, passwordFile }) => password === undefined || passwordFile === undefined, {
    message: 'give the password or its file, not both',
    path: ['passwordFile'],
  })
  .prefault({})

export type DatabaseConfig = z.output<typeof databaseSchema>
