import { connect, type Socket } from 'node:net'
import { type AbortOptions, type Random, systemClock } from '../../../lib/base/index.ts'
import { registryClient } from '../../kit/registry-client.ts'
import type { Attack, Attacker } from './attacker.ts'
import type { Battlefield, Door } from './battlefield.ts'
import type { TallyKeeper } from './tally.ts'

/** Addresses of the services, and of honest clients. */
const HONEST = ['127.0.0.1', '127.0.0.2', '127.0.0.3', '127.0.0.4', '127.0.0.5']
/** Longest wait for one answer: an attacker has no time for servers that hang. */
const ANSWER_MS = 20_000

const clock = systemClock()

export interface AttackInit {
  readonly field: Battlefield
  readonly attacker: Attacker
  /** Its place in the table, by which its addresses are its own. */
  readonly place: number
  readonly random: Random
  readonly keeper: TallyKeeper
  readonly signal: AbortSignal
}

/** The addresses that an attacker calls from. */
export const addressesOf = ({ from }: Attacker, place: number): readonly string[] => {
  const own = [1, 2].map((host) => `127.0.${10 + place}.${host}`)
  return from === 'anywhere' ? [...own, ...HONEST] : own
}

/** The hands of one attacker. */
export function attackOf({ field, attacker, place, random, keeper, signal }: AttackInit): Attack {
  const sockets: Socket[] = []
  const pick = <T>(list: readonly T[]): T => {
    const one = list[Math.floor(random.next() * list.length)]
    if (one === undefined) throw new Error(`${attacker.name} has nothing to choose from`)
    return one
  }
  const addresses = addressesOf(attacker, place)
  signal.addEventListener('abort', () => {
    for (const socket of sockets) socket.destroy()
  })
  return {
    field,
    random,
    pick,
    async keepOn(pauseMs, act, options) {
      while (options.signal?.aborted !== true) {
        keeper.act()
        await act()
        await rest(2 * random.next() * pauseMs, options)
      }
    },
    async ask(door, method, path, request = {}) {
      const client = registryClient(`http://127.0.0.1:${door.port}`, { from: pick(addresses) })
      const limit = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)])
      try {
        const answer = await client.send(method, path, { ...request, signal: limit })
        keeper.answer(answer.status)
        return answer
      } catch {
        if (!signal.aborted) keeper.cut()
        return undefined
      }
    },
    async dial(door: Door, most: number) {
      for (const old of sockets.splice(0, Math.max(0, sockets.length + 1 - most))) old.destroy()
      const socket = connect({ host: '127.0.0.1', port: door.port, localAddress: pick(addresses) })
      sockets.push(socket)
      return opened(socket, keeper)
    },
  }
}

const rest = (ms: number, options: AbortOptions) => clock.sleep(ms, options).catch(() => undefined)

/** Reads it from the start, and counts the heads of answers. */
function opened(socket: Socket, keeper: TallyKeeper): Promise<Socket | undefined> {
  let answers = 0
  socket.on('data', (chunk: Buffer) => {
    const status = /^HTTP\/1\.1 (\d{3}) /.exec(chunk.subarray(0, 13).toString('latin1'))?.[1]
    if (status === undefined) return
    answers += 1
    keeper.answer(Number(status))
  })
  socket.on('error', () => undefined)
  socket.once('end', () => socket.destroy())
  return new Promise((resolve) => {
    socket.once('connect', () => resolve(socket))
    socket.once('close', (failed) => {
      if (answers === 0 && (failed || socket.readableEnded)) keeper.cut()
      resolve(undefined)
    })
  })
}
