import type { Attacker } from '../attacker.ts'
import { pathOf, registries } from '../battlefield.ts'
import { bearer } from '../bearer.ts'

const AT_ONCE = 150

/** Asks for large blobs, and does not read them. */
export const unreadAnswers: Attacker = {
  name: 'unread answers',
  from: 'elsewhere',
  attack: (attack, options) =>
    attack.keepOn(
      200,
      async () => {
        const { field } = attack
        const socket = await attack.dial(attack.pick(registries(field)), AT_ONCE)
        if (socket === undefined) return
        const large = field.blobs.toSorted((a, b) => b.size - a.size)[0]!
        socket.write(`GET ${pathOf(large)} HTTP/1.1\r\nHost: x\r\nAuthorization: ${bearer(field.secrets.read)}\r\n\r\n`)
        socket.pause()
      },
      options,
    ),
}
