import type { Attacker } from '../attacker.ts'
import { doorsTo } from '../battlefield.ts'
import { bearer } from '../bearer.ts'

const MAX_BYTES = 1024 * 1024

/** Uploads that nobody ends: some with bytes, some without, some broken off while the body comes. */
export const abandonedUploads: Attacker = {
  name: 'abandoned uploads',
  from: 'elsewhere',
  attack: (attack, options) => {
    const [proxy] = doorsTo(attack.field, 'proxy', 'registry')
    const authorization = bearer(attack.field.secrets.push)
    return attack.keepOn(
      150,
      async () => {
        const opened = await attack.ask(proxy!, 'POST', '/v2/left/app/blobs/uploads/', { headers: { authorization } })
        const target = opened?.headers.location
        const dice = attack.random.next()
        if (target === undefined || dice < 0.4) return
        const body = Buffer.alloc(Math.ceil(attack.random.next() * MAX_BYTES), 7)
        if (dice < 0.8) {
          await attack.ask(proxy!, 'PATCH', target, { headers: { authorization }, body, chunked: dice < 0.6 })
          return
        }
        const socket = await attack.dial(proxy!, 10)
        if (socket === undefined) return
        const head = `PATCH ${target} HTTP/1.1\r\nHost: x\r\nAuthorization: ${authorization}\r\nContent-Length: ${2 * body.length}\r\n\r\n`
        await new Promise((resolve) => socket.write(Buffer.concat([Buffer.from(head), body]), resolve))
        socket.resetAndDestroy()
      },
      options,
    )
  },
}
