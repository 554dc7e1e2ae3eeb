import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { type IncomingMessage, request } from 'node:http'
import { connect as connectTcp } from 'node:net'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls'
import { type ForwardLab, type ForwardLabInit, forwardLab } from './forward-lab.ts'
import { buildResource } from './resource-stack.ts'
import { tempFolder } from './temp-folder.ts'
import { type TestAuthority, testAuthority } from './tls-authority.ts'

/** An answer to a request inside of a tunnel. */
export interface InnerAnswer {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

export interface InspectLabInit extends ForwardLabInit {
  /** Hosts that are looked into; default `*.example`. */
  readonly inspected?: readonly string[]
  /** Who signs the certificate of the target; default: one that the proxy trusts for it. */
  readonly realAuthority?: TestAuthority
  /** Hosts that this certificate is for; default: those that tests ask for. */
  readonly targetHosts?: readonly string[]
  readonly operator?: Pick<TestAuthority, 'certificate' | 'key'>
}

/** A forward proxy that looks into TLS, and a host that speaks it. */
export interface InspectLab extends ForwardLab {
  /** Whose certificates the proxy shows. */
  readonly operator: Pick<TestAuthority, 'certificate' | 'key'>
  readonly real: TestAuthority
  readonly files: { readonly certificate: string; readonly key: string }
  /** A tunnel to the host, and TLS inside, trusting both authorities unless `tls` says otherwise. Resolves after the handshake. */
  readonly inside: (host: string, tls?: ConnectionOptions, head?: string) => Promise<InnerConnection>
  readonly outcomes: (outcome: string) => number | undefined
}

export const inspectLab = (init: InspectLabInit = {}) =>
  buildResource<InspectLab>(async (stack) => {
    const folder = stack.own(await tempFolder('inspect')).path
    const files = { certificate: join(folder, 'ca.crt'), key: join(folder, 'ca.key') }
    const operator = init.operator ?? testAuthority('operator')
    await writeFile(files.key, operator.key, { mode: 0o600 })
    await writeFile(files.certificate, operator.certificate)
    const real = testAuthority('real')
    const trusted = join(folder, 'real.crt')
    await writeFile(trusted, real.certificate)
    const hosts = init.targetHosts ?? ['pkg.example', 'wss.example', 'other.test']
    const certificate = (init.realAuthority ?? real).issue({ hosts })
    const lab = stack.own(
      await forwardLab({
        ...{ tls: certificate, ...init },
        forward: {
          hosts: ['*.example', '*.test'].map((host) => ({ host, inner: true, ca: trusted })),
          inspect: { hosts: init.inspected ?? ['*.example'], ca: files },
          ...init.forward,
        },
      }),
    )
    return {
      ...{ ...lab, operator, real, files },
      async inside(host, tls = {}, head = '') {
        const authority = `${host}:${lab.port}`
        const socket = connectTcp(lab.proxy.server.address.port, '127.0.0.1')
        stack.own({ [Symbol.asyncDispose]: async () => void socket.destroy() })
        socket.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n${head}\r\n`)
        const [answer] = (await once(socket, 'data')) as [Buffer]
        if (!answer.toString().startsWith('HTTP/1.1 200 ')) throw new Error(`no tunnel: ${answer.toString()}`)
        const ca = [operator.certificate, real.certificate]
        const inner = connect({ socket, ca, servername: host, ALPNProtocols: ['h2', 'http/1.1'], ...tls })
        inner.once('close', () => socket.destroy())
        const closed = once(socket, 'close').then(() => Promise.reject(new Error('closed during the handshake')))
        await Promise.race([once(inner, 'secureConnect'), closed])
        closed.catch(() => undefined)
        return innerConnection(inner, authority)
      },
      outcomes: (outcome) => lab.proxy.metrics.value('shoal_forward_inspected_total', { outcome }),
    }
  })

interface Asked {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

/** A connection inside of a tunnel. */
export interface InnerConnection {
  readonly socket: TLSSocket
  /** One request; the connection may carry more. */
  readonly ask: (path: string, init?: Asked) => Promise<InnerAnswer>
}

function innerConnection(socket: TLSSocket, authority: string): InnerConnection {
  return {
    socket,
    async ask(path, { method = 'GET', headers = {}, body } = {}) {
      const sent = request({
        ...{ createConnection: () => socket, method, path },
        headers: { host: authority, connection: 'keep-alive', ...headers },
      }).end(body)
      const [answer] = (await once(sent, 'response')) as [IncomingMessage]
      return { status: answer.statusCode ?? 0, headers: answer.headers, body: (await buffer(answer)).toString() }
    },
  }
}
