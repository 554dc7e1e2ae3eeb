import type { Socket } from 'node:net'
import { type AppError, appError, isAppError } from './app-error.ts'
import type { NetworkRule } from './cidrs.ts'
import type { Clock } from './clock.ts'
import { MAX_PROXY_HEADER, type ProxyHeader, parseProxyHeader } from './proxy-header.ts'
import { stateRemote } from './remote-end.ts'

/** Who may connect to a listener behind a balancer, and how. */
export interface BalancerTrust {
  /** Balancers: each of their connections begins with a header, which is believed. */
  readonly balancers: NetworkRule
  /** Those who connect past the balancers, without a header. */
  readonly direct: NetworkRule
}

/** How a connection was let in: a balancer said who it is, looks itself whether we live, or is passed by. */
export type ProxyEntrance = 'stated' | 'local' | 'direct'

/** Why it was not: neither a balancer nor direct; something else than a header; no header in time; gone before it. */
export type ProxyRefusal = 'untrusted' | 'invalid' | 'late' | 'gone'

export interface ProxyDoorEvents {
  /** Called before any byte behind the header is read; `remoteAddressOf` knows the other end. The socket is paused. */
  onGuest(entrance: ProxyEntrance): void
  /** The connection has been ended. @param err PROXY_HEADER_INVALID */
  onRefused(reason: ProxyRefusal, err: AppError): void
}

/** Reads what balancers say of new connections. */
export interface ProxyDoor {
  open(raw: Socket, events: ProxyDoorEvents): void
  /** Ends the connections of which no header has come yet. */
  cut(): void
}

/** A balancer sends the header with the first packet. */
export const PROXY_HEADER_MS = 5_000

export function proxyDoor(clock: Pick<Clock, 'setTimer'>, { balancers, direct }: BalancerTrust): ProxyDoor {
  const waiting = new Set<Socket>()

  const refuse = (raw: Socket, events: ProxyDoorEvents, reason: ProxyRefusal, err: AppError) => {
    raw.on('error', () => undefined)
    raw.destroy()
    events.onRefused(reason, err)
  }

  const enter = (raw: Socket, events: ProxyDoorEvents, { source }: ProxyHeader, rest: Buffer) => {
    if (source !== undefined) stateRemote(raw, source)
    raw.pause()
    if (rest.length > 0) raw.unshift(rest)
    events.onGuest(source === undefined ? 'local' : 'stated')
  }

  const readHeader = (raw: Socket, events: ProxyDoorEvents) => {
    let seen = Buffer.alloc(0)
    const leave = () => {
      waiting.delete(raw)
      timer.cancel()
      raw.off('data', onData).off('close', onGone).off('end', onGone).off('error', ignore)
    }
    const fail = (reason: ProxyRefusal, why: string, cause?: unknown) => {
      leave()
      const known = isAppError(cause) ? cause : undefined
      refuse(raw, events, reason, known ?? appError('PROXY_HEADER_INVALID', { message: why }))
    }
    const ignore = () => undefined
    const onGone = () => fail('gone', 'the balancer ended the connection before the header of the PROXY protocol')
    const onData = (chunk: Buffer) => {
      const before = seen.length
      seen = Buffer.concat([seen, chunk.subarray(0, MAX_PROXY_HEADER - before)])
      const header = headerIn(seen, (err) => fail('invalid', '', err))
      if (header === undefined) return
      leave()
      enter(raw, events, header, chunk.subarray(header.length - before))
    }
    const late = () => fail('late', 'no header of the PROXY protocol has come in time')
    const timer = clock.setTimer(PROXY_HEADER_MS, late)
    waiting.add(raw)
    raw.on('data', onData).once('close', onGone).once('end', onGone).on('error', ignore).resume()
  }

  return {
    open(raw, events) {
      const from = raw.remoteAddress ?? ''
      if (balancers(from)) readHeader(raw, events)
      else if (direct(from)) events.onGuest('direct')
      else {
        const message = `connections from ${from} are not let in: it is none of the balancers of this listener`
        refuse(raw, events, 'untrusted', appError('PROXY_HEADER_INVALID', { message }))
      }
    },
    cut() {
      for (const raw of waiting) raw.destroy()
    },
  }
}

/** Undefined while more bytes are needed, and when they were refused. */
function headerIn(bytes: Buffer, refuse: (err: unknown) => void): ProxyHeader | undefined {
  try {
    return parseProxyHeader(bytes)
  } catch (err) {
    refuse(err)
    return undefined
  }
}
