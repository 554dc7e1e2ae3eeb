import type { Attacker } from '../attacker.ts'

/** Over all listeners of all services. */
const AT_ONCE = 1500
const PER_ACT = 10

/** Connections that say nothing, or begin a head and do not end it, at every listener. */
export const idleSockets: Attacker = {
  name: 'idle sockets',
  from: 'elsewhere',
  attack: (attack, options) =>
    attack.keepOn(
      150,
      async () => {
        const door = attack.pick(attack.field.doors)
        for (let i = 0; i < PER_ACT && !options.signal.aborted; i += 1) {
          const socket = await attack.dial(door, AT_ONCE)
          if (attack.random.next() < 0.3) socket?.write('GET /v2/ HTTP/1.1\r\nHost: 127')
        }
      },
      options,
    ),
}
