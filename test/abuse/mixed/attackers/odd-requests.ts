import type { Random } from '../../../../lib/base/index.ts'
import type { Attacker } from '../attacker.ts'
import { httpDoors } from '../battlefield.ts'

const AT_ONCE = 50

const paths = [
  '/v2/../../etc/passwd',
  '/v2/%2e%2e/%2e%2e/x/blobs/y',
  '/v2/UPPER/case/manifests/x',
  '/v2/a//b/tags/list',
  '/v2/a/blobs/sha256:zz',
  '/v2/a/blobs/sha512:00',
  '/namespace/%00/blobs/x',
  '/namespace/../blobs/x/metainfo',
  '/%',
  '//',
  '*',
  'http://elsewhere/v2/',
  `/v2/${'a/'.repeat(2000)}tags/list`,
  '/announce?info_hash=%zz&peer_id=1&port=99999999',
  '/repositories/%2F%2F/tags/x',
  '/v2/_catalog?n=-1&last=%00',
  '/metrics?x=1',
]

const heads: readonly ((path: string) => string)[] = [
  (path) => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`,
  (path) => `BREW ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`,
  (path) => `CONNECT ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`,
  (path) => `GET ${path} HTTP/1.1\r\n\r\n`,
  (path) => `GET ${path} HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n`,
  (path) => `GET ${path} HTTP/9.9\r\nHost: localhost\r\n\r\n`,
  (path) =>
    `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /x`,
  (path) => `POST ${path} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n`,
  (path) => `POST ${path} HTTP/1.1\r\nHost: localhost\r\nExpect: a-miracle\r\nContent-Length: 1\r\n\r\n`,
  (path) => `GET ${path} HTTP/1.1\r\nHost: localhost\r\nX: ${'y'.repeat(80_000)}\r\n\r\n`,
  (path) => `GET ${path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n`,
  (path) => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`.repeat(50),
]

const noise = (random: Random) => Buffer.from(random.bytes(1 + Math.floor(random.next() * 500)))

/** Malformed names, paths and heads, and bytes that are no request, at every listener that speaks HTTP. */
export const oddRequests: Attacker = {
  name: 'odd requests',
  from: 'anywhere',
  attack: (attack, options) =>
    attack.keepOn(
      50,
      async () => {
        const socket = await attack.dial(attack.pick(httpDoors(attack.field)), AT_ONCE)
        const isNoise = attack.random.next() < 0.2
        socket?.write(isNoise ? noise(attack.random) : attack.pick(heads)(attack.pick(paths)))
      },
      options,
    ),
}
