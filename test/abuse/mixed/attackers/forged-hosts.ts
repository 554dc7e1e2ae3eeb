import type { Attacker } from '../attacker.ts'
import { httpDoors } from '../battlefield.ts'

const requests = [
  ['POST', '/drain'],
  ['POST', '/scrub'],
  ['POST', '/hand-over'],
  ['GET', '/journal'],
  ['GET', '/blobs'],
  ['GET', '/metrics'],
  ['POST', '/announce'],
  ['GET', '/v2/_catalog'],
] as const

const forged = [
  { host: 'evil.example' },
  { origin: 'http://evil.example' },
  { 'sec-fetch-site': 'cross-site' },
  { host: 'evil.example', origin: 'http://evil.example' },
  { host: '127.0.0.1.evil.example' },
  { origin: 'null' },
] as const

/** What a web page has a browser send: to drain an origin, to read what is private. */
export const forgedHosts: Attacker = {
  name: 'forged hosts',
  from: 'anywhere',
  attack: (attack, options) =>
    attack.keepOn(
      100,
      async () => {
        const [method, path] = attack.pick(requests)
        const headers = { ...attack.pick(forged), 'content-type': 'text/plain' }
        await attack.ask(attack.pick(httpDoors(attack.field)), method, path, { headers })
      },
      options,
    ),
}
