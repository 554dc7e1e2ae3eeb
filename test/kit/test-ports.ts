import { createServer } from 'node:net'
import type { Ports } from '../../services/herd/index.ts'

/**
 * Below the range from which the kernel takes ports for connections and for listeners on port 0. So a port stays free
 * while its service is killed and started again. Each test process has its own part of this range.
 */
const FIRST = 10_000
const SLICE = 100
const SLICES = 220

/** For who needs more than a slice: below the slices, where it takes none from others. */
const MANY = { first: 2_000, room: FIRST - 2_000 }

/** Ports in these ranges that belong to other protocols: `fetch` refuses to call them. */
const REFUSED: ReadonlySet<number> = new Set([
  ...[2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10_080],
])

let next = 0

/** `count` free ports, for services that must know each other's ports before they start. */
export async function testPorts(count: number): Promise<Ports> {
  const many = count > SLICE
  const room = many ? MANY.room : SLICE
  const first = many ? MANY.first : FIRST + (process.pid % SLICES) * SLICE
  const free: number[] = []
  for (let tries = 0; free.length < count; tries += 1) {
    if (tries >= room) throw new Error(`no ${count} free ports from ${first} on`)
    const port = first + (next % room)
    next += 1
    if (!REFUSED.has(port) && (await isFree(port))) free.push(port)
  }
  return {
    take: (_index, defaults) =>
      Object.fromEntries(Object.keys(defaults).map((name) => [name, free.pop() ?? 0])) as typeof defaults,
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
