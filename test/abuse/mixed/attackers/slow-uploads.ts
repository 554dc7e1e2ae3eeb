import type { Socket } from 'node:net'
import type { Attacker } from '../attacker.ts'
import { doorsTo } from '../battlefield.ts'
import { bearer } from '../bearer.ts'

const AT_ONCE = 120

/** Uploads that get one byte now and then. */
export const slowUploads: Attacker = {
  name: 'slow uploads',
  from: 'elsewhere',
  async attack(attack, options) {
    const slow: Socket[] = []
    const [proxy] = doorsTo(attack.field, 'proxy', 'registry')
    const authorization = bearer(attack.field.secrets.push)
    await attack.keepOn(
      250,
      async () => {
        for (const socket of slow) if (!socket.destroyed) socket.write('x')
        const opened = await attack.ask(proxy!, 'POST', '/v2/slow/app/blobs/uploads/', { headers: { authorization } })
        const target = opened?.headers.location
        const socket = target === undefined ? undefined : await attack.dial(proxy!, AT_ONCE)
        if (target === undefined || socket === undefined) return
        socket.write(
          `PATCH ${target} HTTP/1.1\r\nHost: x\r\nAuthorization: ${authorization}\r\nContent-Length: 9999\r\n\r\nx`,
        )
        slow.push(socket)
        slow.splice(0, Math.max(0, slow.length - AT_ONCE))
      },
      options,
    )
  },
}
