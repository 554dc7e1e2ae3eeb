import type { Attack, Attacker } from '../attacker.ts'
import { doorsTo } from '../battlefield.ts'
import { bearer } from '../bearer.ts'

const AT_ONCE = 60
const FIRST_BYTES = 1_500_000

/** Where a body is held whole until its end, with the secret that its door asks for. */
function targets({ field, random }: Attack) {
  const { node, push } = field.secrets
  const tag = `t${Math.floor(random.next() * 1000)}`
  return [
    ...doorsTo(field, 'tracker', 'http').map((door) => ({ door, secret: node, head: 'POST /announce' })),
    ...doorsTo(field, 'buildIndex', 'http').map((door) => ({
      ...{ door, secret: node, head: `PUT /repositories/big%2Fapp/tags/${tag}` },
    })),
    ...doorsTo(field, 'proxy', 'registry').map((door) => ({
      ...{ door, secret: push, head: `PUT /v2/big/app/manifests/${tag}` },
    })),
  ]
}

/** JSON and manifests that begin and never end. */
export const endlessBodies: Attacker = {
  name: 'endless bodies',
  from: 'elsewhere',
  attack: (attack, options) =>
    attack.keepOn(
      250,
      async () => {
        const { door, secret, head } = attack.pick(targets(attack))
        const type = door.kind === 'proxy' ? 'application/vnd.oci.image.manifest.v1+json' : 'application/json'
        const socket = await attack.dial(door, AT_ONCE)
        if (socket === undefined) return
        socket.write(
          `${head} HTTP/1.1\r\nHost: localhost\r\nAuthorization: ${bearer(secret)}\r\nContent-Type: ${type}\r\nTransfer-Encoding: chunked\r\n\r\n`,
        )
        socket.write(`${FIRST_BYTES.toString(16)}\r\n`)
        socket.write(Buffer.alloc(FIRST_BYTES, 0x20))
      },
      options,
    ),
}
