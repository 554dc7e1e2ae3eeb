import { describe, expect, test } from '@jest/globals'
import { seededRandom } from '../../../lib/base/index.ts'
import { decodeBencode } from '../../../lib/metainfo/index.ts'
import { encodeBep3Answer, encodeBep3Failure, parseBep3Query } from '../../../services/tracker/bep3.ts'

const everyByte = Array.from({ length: 20 }, (_, i) => `%${(i * 13).toString(16).padStart(2, '0')}`).join('')
const hexOfEveryByte = Array.from({ length: 20 }, (_, i) => (i * 13).toString(16).padStart(2, '0')).join('')
const peerId = '-TR4050-abcdefghijkl'
const good = `info_hash=${everyByte}&peer_id=${peerId}&port=6881&left=10`

describe('a BEP 3 announce', () => {
  test('keeps binary ids as they are', () => {
    expect(parseBep3Query(`${good}&event=started&numwant=7&key=ab12&compact=1&ip=6.6.6.6`)).toEqual({
      swarmId: hexOfEveryByte,
      peerId: Buffer.from(peerId).toString('hex'),
      port: 6881,
      leftBytes: 10,
      event: 'started',
      wantPeers: 7,
      key: 'ab12',
    })
  })

  test.each([
    ['no event', good, { event: 'interval' }],
    ['an empty event', `${good}&event=`, { event: 'interval' }],
    ['the event stopped', `${good}&event=stopped`, { event: 'stopped' }],
    ['no numwant', good, { wantPeers: 50 }],
    ['a negative numwant', `${good}&numwant=-1`, { wantPeers: 50 }],
    ['a large numwant', `${good}&numwant=20001`, { wantPeers: 50 }],
    ['numwant 0', `${good}&numwant=0`, { wantPeers: 0 }],
    ['no key', good, { key: undefined }],
    ['a second info_hash', `${good}&info_hash=${'b'.repeat(20)}`, { swarmId: hexOfEveryByte }],
    ['unescaped bytes', good.replace(everyByte, 'aaaaaaaaaaaaaaaaaaaa'), { swarmId: '61'.repeat(20) }],
  ])('with %s is taken', (_name, query, expected) => {
    expect(parseBep3Query(query)).toMatchObject(expected)
  })

  test.each([
    ['nothing', ''],
    ['no info_hash', good.replace('info_hash', 'x')],
    ['a short info_hash', good.replace(everyByte, '%00')],
    ['a long info_hash', good.replace(everyByte, `${everyByte}%00`)],
    ['a truncated escape', good.replace(everyByte, everyByte.slice(0, -1))],
    ['an escape that is no hex', good.replace('%00', '%zz')],
    ['no peer_id', good.replace('peer_id', 'x')],
    ['port 0', good.replace('6881', '0')],
    ['port 65536', good.replace('6881', '65536')],
    ['a port that is no number', good.replace('6881', '6881x')],
    ['a negative left', good.replace('left=10', 'left=-1')],
    ['an enormous left', good.replace('left=10', `left=${'9'.repeat(30)}`)],
    ['an unknown event', `${good}&event=paused`],
    ['a numwant that is no number', `${good}&numwant=many`],
    ['a long key', `${good}&key=${'k'.repeat(65)}`],
    ['many parameters', good + '&a=1'.repeat(40)],
  ])('with %s is refused', (_name, query) => {
    expect(() => parseBep3Query(query)).toThrow(expect.objectContaining({ code: 'REQUEST_INVALID' }))
  })

  test('whatever it says, it is taken or refused', () => {
    const random = seededRandom(5)
    for (let i = 0; i < 2000; i += 1) {
      const at = Math.floor(random.next() * good.length)
      const noise = Buffer.from(random.bytes(3)).toString('latin1')
      const query = good.slice(0, at) + noise + good.slice(at + Math.floor(random.next() * 4))
      try {
        parseBep3Query(query)
      } catch (err) {
        expect(err).toMatchObject({ code: 'REQUEST_INVALID' })
      }
    }
  })
})

interface Answer {
  readonly peers: Uint8Array
  readonly peers6: Uint8Array
}

describe('a BEP 3 answer', () => {
  const decode = (bytes: Uint8Array) => decodeBencode(bytes, { maxBytes: 10_000 }) as unknown as Answer
  const numbers = { intervalMs: 5_400, complete: 1, incomplete: 2 }

  test('packs IPv4 peers into six bytes', () => {
    const peers = [
      { host: '10.0.0.1', port: 6881 },
      { host: '192.168.255.0', port: 65_535 },
    ]
    const answer = decode(encodeBep3Answer({ ...numbers, peers }))
    expect(answer).toMatchObject({ interval: 5, complete: 1, incomplete: 2 })
    expect(Buffer.from(answer.peers).toString('hex')).toBe('0a0000011ae1c0a8ff00ffff')
    expect(answer).not.toHaveProperty('peers6')
  })

  test.each([
    ['::1', `${'0'.repeat(31)}1`],
    ['2001:db8::ff00:42:8329', '20010db8000000000000ff0000428329'],
    ['1:2:3:4:5:6:7:8', '00010002000300040005000600070008'],
    ['fe80::', `fe80${'0'.repeat(28)}`],
    ['64:ff9b::10.0.0.1', '0064ff9b00000000000000000a000001'],
  ])('packs the IPv6 peer %s into eighteen bytes', (host, hex) => {
    const answer = decode(encodeBep3Answer({ ...numbers, peers: [{ host, port: 6881 }] }))
    expect(Buffer.from(answer.peers6).toString('hex')).toBe(`${hex}1ae1`)
    expect(answer.peers).toHaveLength(0)
  })

  test('says why it refuses', () => {
    expect(Buffer.from(encodeBep3Failure('no')).toString()).toBe('d14:failure reason2:noe')
  })
})
