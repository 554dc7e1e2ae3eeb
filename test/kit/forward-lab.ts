import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https'
import { type AddressInfo, connect, type LookupFunction, type Socket } from 'node:net'
import { appError, seededRandom } from '../../lib/base/index.ts'
import type { KeyedCertificate } from '../../lib/certificates/index.ts'
import { loadConfig } from '../../lib/config/index.ts'
import { requestRate, sendJson } from '../../lib/http/index.ts'
import { type AnonymousRights, secretAuthenticator } from '../../lib/identity/index.ts'
import { type RecordingLogger, recordingLogger } from '../../lib/telemetry/index.ts'
import { agentSchema } from '../../services/agent/config.ts'
import { type ForwardProxy, forwardProxy, type UrlBlobs } from '../../services/agent/forward/index.ts'
import type { PullRules } from '../../services/agent/pull-rules/index.ts'
import { identities } from '../../services/agent/rights/identities.ts'
import { type HttpPair, httpPair, route } from './http-pair.ts'
import { buildResource } from './resource-stack.ts'

/** What a host elsewhere was asked, as it came. */
interface SeenRequest {
  readonly method: string
  readonly url: string
  readonly rawHeaders: readonly string[]
  readonly body: string
}

export interface ForwardLabInit {
  /** Keys of `registry.forward`; default: names below `.example`, inner, at the port of the target. */
  readonly forward?: object
  readonly registry?: object
  readonly secrets?: object
  readonly hosts?: readonly string[]
  readonly anonymous?: AnonymousRights
  /** Addresses of names; any other name of the tests is the target's. */
  readonly addresses?: Readonly<Record<string, string>>
  /** The port of the target counts as one of the agent's own. */
  readonly isOwnPort?: boolean
  readonly answer?: (req: IncomingMessage, res: ServerResponse) => void
  /** The target speaks TLS with this certificate. */
  readonly tls?: KeyedCertificate
  /** What lies under URLs; default: nothing that the origins would bring. */
  readonly blobs?: UrlBlobs
  /** Default: nothing is refused. */
  readonly rules?: Pick<PullRules, 'admit'>
}

/** A conversation over one connection to the proxy. */
export interface Talk {
  readonly socket: Socket
  /** All that came until now, as latin1. */
  readonly received: () => string
  /** Resolves when the connection is over. */
  readonly over: Promise<string>
}

/** A listener with the forward proxy of an agent, and one host elsewhere, on a fake clock. */
export interface ForwardLab {
  readonly proxy: HttpPair
  readonly target: Server | TlsServer
  readonly port: number
  readonly seen: readonly SeenRequest[]
  /** Names whose addresses were looked up. */
  readonly looked: readonly string[]
  /** Of the proxy for hosts elsewhere. */
  readonly logger: RecordingLogger
  readonly talk: (bytes: string) => Promise<Talk>
  /** One request on a connection of its own, and all that came back. */
  readonly ask: (head: string, body?: string) => Promise<string>
}

const lookupOf =
  (addresses: Readonly<Record<string, string>>, looked: string[]): LookupFunction =>
  (host, options, done) => {
    looked.push(host)
    const address = addresses[host] ?? '127.0.0.1'
    const family = address.includes(':') ? 6 : 4
    if (options.all === true) done(null, [{ address, family }])
    else done(null, address, family)
  }

async function bodyOf(req: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of req) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}

export const forwardLab = (init: ForwardLabInit = {}) =>
  buildResource<ForwardLab>(async (stack) => {
    const seen: SeenRequest[] = []
    const answer = init.answer ?? ((_, res) => res.end('from the target'))
    const own = init.tls
    const listening = (req: IncomingMessage, res: ServerResponse) => {
      bodyOf(req).then(
        (body) => {
          seen.push({ method: req.method ?? '', url: req.url ?? '', rawHeaders: req.rawHeaders, body })
          answer(req, res)
        },
        () => undefined,
      )
    }
    const target =
      own === undefined ? createServer(listening) : createTlsServer({ cert: own.certificate, key: own.key }, listening)
    const accepted = new Set<Socket>()
    const each: Server = target
    each.on('connection', (socket: Socket) => void accepted.add(socket))
    await new Promise<void>((resolve) => target.listen(0, '127.0.0.1', resolve))
    stack.own({
      async [Symbol.asyncDispose]() {
        // Also those in the middle of a handshake, for which its close would wait.
        for (const socket of accepted) socket.destroy()
        await new Promise((resolve) => target.close(resolve))
      },
    })
    const { port } = target.address() as AddressInfo
    const forward = { hosts: [{ host: '*.example', inner: true }], ports: [port], ...init.forward }
    const config = await loadConfig(agentSchema, {
      overrides: [
        `registry=${JSON.stringify({ ...init.registry, forward })}`,
        `hosts=${JSON.stringify(init.hosts ?? [])}`,
        ...(init.secrets === undefined ? [] : [`secrets=${JSON.stringify(init.secrets)}`]),
      ],
    })
    const looked: string[] = []
    const { secrets } = config
    const routes = ['/', '/v2/', '/v2/*rest'].map((path) =>
      route(['GET', 'HEAD'], path, (exchange) =>
        sendJson(exchange, 200, { own: exchange.path, query: exchange.rawQuery, as: exchange.principal.name }),
      ),
    )
    const parts: { proxy?: HttpPair; forward?: ForwardProxy | undefined } = {}
    const logger = recordingLogger()
    const made = (clock: HttpPair['clock'], metrics: HttpPair['metrics']) => {
      parts.forward = forwardProxy(
        {
          ...{ clock, logger, metrics, random: seededRandom(7), lookup: lookupOf(init.addresses ?? {}, looked) },
          rate: requestRate({ clock, metrics }, { listener: 'registry', perSecond: undefined, code: 'UNAVAILABLE' }),
          serves: identities(config.registry.upstreams).serves,
          rules: init.rules ?? { admit: () => ({ pullClass: 'normal' }) },
          blobs: init.blobs ?? { send: () => Promise.reject(appError('URL_NOT_NAMED')) },
          ownPorts: () => [parts.proxy?.server.address.port ?? 0, ...(init.isOwnPort === true ? [port] : [])],
        },
        config,
      )
      return parts.forward
    }
    const proxy = await httpPair(routes, {
      authenticate: secretAuthenticator({ secrets, anonymous: init.anonymous ?? 'read' }),
      ...{ forward: made, ...(own !== undefined && { startMs: Date.now() }) },
      server: { envelope: 'registry', hosts: init.hosts?.length === 0 ? 'any' : (init.hosts ?? 'any') },
    })
    parts.proxy = stack.own(proxy)
    const { forward: forwarder } = parts
    stack.own({ [Symbol.asyncDispose]: async () => forwarder?.stop() })
    await forwarder?.start()

    const talk = async (bytes: string): Promise<Talk> => {
      const socket = connect({ host: '127.0.0.1', port: proxy.server.address.port, allowHalfOpen: true })
      stack.own({ [Symbol.asyncDispose]: async () => void socket.destroy() })
      let text = ''
      socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1'))).on('error', () => undefined)
      const over = new Promise<string>((resolve) => {
        socket.once('end', () => resolve(text)).once('close', () => resolve(text))
      })
      await once(socket, 'connect')
      socket.write(Buffer.from(bytes, 'latin1'))
      return { socket, received: () => text, over }
    }
    return {
      ...{ proxy, target, port, seen, looked, logger, talk },
      async ask(head, body = '') {
        const { over, socket } = await talk(
          `${head.trim().replaceAll('\n', '\r\n')}\r\nConnection: close\r\n\r\n${body}`,
        )
        const answered = await over
        socket.destroy()
        return answered
      },
    }
  })
