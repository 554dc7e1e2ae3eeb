import type { Server } from 'node:http'
import { appError, hasCode } from '../base/index.ts'

/** Connections that the system has opened and we have not taken yet; whoever comes beyond it tries again after a second. */
const BACKLOG = 4096

/** A host as URLs write it. */
export const hostInUrl = (host: string): string => (host.includes(':') ? `[${host}]` : host)

/** Resolves when the server listens. @throws PORT_IN_USE, CONFIG_INVALID naming the address */
export const listen = (server: Server, bind: { readonly host: string; readonly port: number }): Promise<void> =>
  new Promise((resolve, reject) => {
    const failed = (err: unknown) => {
      const where = `${hostInUrl(bind.host)}:${bind.port}`
      reject(
        hasCode(err, 'EADDRINUSE')
          ? appError('PORT_IN_USE', { message: `${where} is taken; choose another port or use auto`, cause: err })
          : appError('CONFIG_INVALID', { message: `cannot listen on ${where}; check the bind address`, cause: err }),
      )
    }
    server.once('error', failed)
    server.listen({ port: bind.port, host: bind.host, backlog: BACKLOG }, () => {
      server.off('error', failed)
      resolve()
    })
  })
