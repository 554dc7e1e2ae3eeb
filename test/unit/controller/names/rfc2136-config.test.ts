import { describe, expect, test } from '@jest/globals'
import { namesSchema, tsigKeyIn } from '../../../../services/controller/names/index.ts'

const SECRET = Buffer.from('a secret of thirty-two bytes, ok').toString('base64')
const keyText = (algorithm = 'hmac-sha256', secret = SECRET) =>
  `key "Shoal-Key" {\n\talgorithm ${algorithm};\n\tsecret "${secret}";\n};\n`

describe('a key file', () => {
  test('is read as tsig-keygen writes it', () => {
    const secret = Buffer.from(SECRET, 'base64')
    expect(tsigKeyIn(keyText(), 'f')).toEqual({ name: 'shoal-key', algorithm: 'hmac-sha256', secret })
    const slashes = `${'abcd'.repeat(5)}//##abcd//ab`.replaceAll('#', '+')
    expect(tsigKeyIn(keyText('hmac-sha256', slashes), 'f').secret).toEqual(Buffer.from(slashes, 'base64'))
    const short = `# by hand\nkey shoal { algorithm "hmac-sha512"; secret "${SECRET}"; };`
    expect(tsigKeyIn(short, 'f')).toMatchObject({ name: 'shoal', algorithm: 'hmac-sha512' })
  })

  test.each([
    ['', 'nothing'],
    [keyText('hmac-md5'), 'an algorithm that is broken'],
    [keyText('hmac-sha256', 'short'), 'a short secret'],
    [`${keyText()}${keyText()}`, 'two keys'],
  ])('%# is refused without showing it', (text) => {
    expect(() => tsigKeyIn(text, 'the file')).toThrow(/^the file must be a key as tsig-keygen writes it/)
    expect(() => tsigKeyIn(text, 'the file')).not.toThrow(SECRET)
  })
})

describe('the config of a name server', () => {
  const zoneOf = (zone: object, base = 'c1.p2p.test') =>
    namesSchema.safeParse({ base, zone: { driver: 'rfc2136', name: 'p2p.test', credentials: 'key', ...zone } })

  test.each([
    ['ns1.example.com', { host: 'ns1.example.com', port: 53 }],
    ['10.0.0.53:5353', { host: '10.0.0.53', port: 5353 }],
    ['[2001:db8::53]', { host: '2001:db8::53', port: 53 }],
    ['[2001:db8::53]:5353', { host: '2001:db8::53', port: 5353 }],
  ])('%s', (server, parsed) => expect(zoneOf({ server }).data?.zone.server).toEqual(parsed))

  test('names what is missing, and a base that is not in the zone', () => {
    const paths = (result: ReturnType<typeof zoneOf>) => result.error?.issues.map(({ path }) => path.join('.'))
    expect(paths(zoneOf({}))).toEqual(['zone.server'])
    expect(paths(zoneOf({ server: 'ns1' }, 'c1.other.test'))).toEqual(['base'])
    expect(paths(zoneOf({ server: 'ns1:port' }))).toEqual(['zone.server'])
  })
})
