import type { Attacker } from '../attacker.ts'
import { doorsTo } from '../battlefield.ts'
import { bearer } from '../bearer.ts'

const BODY = Buffer.alloc(3 * 1024 * 1024, 1)

/** Large bodies to where the answer is known before them, and the next request on the same connection at once. */
export const earlyAnswers: Attacker = {
  name: 'early answers',
  from: 'elsewhere',
  attack: (attack, options) => {
    const [proxy] = doorsTo(attack.field, 'proxy', 'registry')
    const heads = [
      ['PATCH', '/v2/early/app/blobs/uploads/nothing', attack.field.secrets.push],
      ['PUT', '/v2/early/app/blobs/uploads/nothing?digest=sha256:00', attack.field.secrets.push],
      ['POST', '/v2/early/app/blobs/uploads/', 'a-secret-that-is-guessed'],
      ['PUT', '/v2/early/app/manifests/latest', attack.field.secrets.read],
    ] as const
    return attack.keepOn(
      400,
      async () => {
        const [method, path, secret] = attack.pick(heads)
        const socket = await attack.dial(proxy!, 10)
        if (socket === undefined) return
        const length = attack.pick([BODY.length, 10 * BODY.length])
        socket.write(
          `${method} ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: ${bearer(secret)}\r\nContent-Length: ${length}\r\n\r\n`,
        )
        socket.write(BODY)
        socket.write('GET /v2/ HTTP/1.1\r\nHost: x\r\n\r\n')
      },
      options,
    )
  },
}
