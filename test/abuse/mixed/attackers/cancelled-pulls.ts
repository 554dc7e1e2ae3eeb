import type { Attacker } from '../attacker.ts'
import { pathOf, registries } from '../battlefield.ts'
import { bearer } from '../bearer.ts'

/** Begins pulls, and breaks them off somewhere. */
export const cancelledPulls: Attacker = {
  name: 'cancelled pulls',
  from: 'elsewhere',
  attack: (attack, options) =>
    attack.keepOn(
      150,
      async () => {
        const { field, random } = attack
        const socket = await attack.dial(attack.pick(registries(field)), 20)
        if (socket === undefined) return
        const path = pathOf(attack.pick(field.blobs))
        const enough = Math.floor(random.next() * 1_000_000)
        let came = 0
        socket.on('data', (chunk: Buffer) => {
          came += chunk.byteLength
          if (came > enough) socket.resetAndDestroy()
        })
        socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: ${bearer(field.secrets.read)}\r\n\r\n`)
      },
      options,
    ),
}
