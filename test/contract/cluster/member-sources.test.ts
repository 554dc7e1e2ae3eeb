import { mkdir, rename, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from '@jest/globals'
import { dnsSource, fileSource, type Member, type MemberSource, staticSource } from '../../../lib/cluster/index.ts'
import { type DnsRecord, dnsResponder } from '../../kit/dns-responder.ts'
import { tempFolder } from '../../kit/temp-folder.ts'

const DOMAIN = 'origin.shoal.svc.cluster.local'
const NAME = `_http._tcp.${DOMAIN}`

/** A source with a hand on what it reads. */
interface Lab extends AsyncDisposable {
  readonly source: MemberSource
  /** The members that a source of this kind can name: by their place in this list. */
  readonly all: readonly Member[]
  readonly name: (members: readonly Member[]) => Promise<void>
  /** Makes it fail; undefined where nothing can. */
  readonly breakIt: (() => Promise<void>) | undefined
}

const some = (count: number, url: (i: number) => string): Member[] =>
  Array.from({ length: count }, (_, i) => ({ id: `origin-${i}`, url: url(i) }))

async function fileLab(): Promise<Lab> {
  const folder = await tempFolder('members')
  const path = join(folder.path, 'members.yaml')
  return {
    source: fileSource({ path }),
    all: some(3, (i) => `http://10.0.0.${i}:64001`),
    async name(members) {
      await writeFile(`${path}.new`, JSON.stringify(members))
      await rename(`${path}.new`, path)
    },
    breakIt: () => writeFile(path, '- {id: half'),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  }
}

const dnsInit = { scheme: 'http', minRefreshMs: 5_000, maxRefreshMs: 30_000 } as const

async function srvLab(): Promise<Lab> {
  const dns = await dnsResponder()
  return {
    source: dnsSource({ ...dnsInit, name: NAME, record: 'SRV', servers: [dns.server] }),
    all: some(3, (i) => `http://origin-${i}.${DOMAIN}:64001`),
    async name(members) {
      dns.set(
        NAME,
        members.map(({ id }): DnsRecord => ({ type: 'SRV', target: `${id}.${DOMAIN}`, port: 64001 })),
      )
    },
    async breakIt() {
      dns.mode = 'fails'
    },
    [Symbol.asyncDispose]: () => dns[Symbol.asyncDispose](),
  }
}

const addressLab = (record: 'A' | 'AAAA', addressOf: (i: number) => string) => async (): Promise<Lab> => {
  const dns = await dnsResponder()
  const at = (address: string) => (record === 'AAAA' ? `[${address}]` : address)
  return {
    source: dnsSource({ ...dnsInit, name: DOMAIN, record, port: 64001, servers: [dns.server] }),
    all: [1, 2, 3].map((i) => ({ id: addressOf(i), url: `http://${at(addressOf(i))}:64001` })),
    async name(members) {
      dns.set(
        DOMAIN,
        members.map(({ id }): DnsRecord => ({ type: record, address: id })),
      )
    },
    async breakIt() {
      dns.mode = 'fails'
    },
    [Symbol.asyncDispose]: () => dns[Symbol.asyncDispose](),
  }
}

async function staticLab(): Promise<Lab> {
  const all = some(3, (i) => `http://10.0.0.${i}:64001`)
  let now: readonly Member[] = all
  return {
    // The config of one process never changes; here each look is that of another one.
    source: { what: 'the config', hosts: [], read: (options) => staticSource(now).read(options) },
    all,
    async name(members) {
      now = members
    },
    breakIt: undefined,
    [Symbol.asyncDispose]: () => Promise.resolve(),
  }
}

const labs: Readonly<Record<string, () => Promise<Lab>>> = {
  static: staticLab,
  file: fileLab,
  'dns of SRV records': srvLab,
  'dns of A records': addressLab('A', (i) => `10.0.0.${i}`),
  'dns of AAAA records': addressLab('AAAA', (i) => `fd00::${i}`),
}

describe.each(Object.entries(labs))('a source of members, %s', (_name, make) => {
  let lab: Lab | undefined
  const started = async () => {
    lab = await make()
    return lab
  }
  afterEach(async () => lab?.[Symbol.asyncDispose]())

  test('names all members, and whatever they are at the next look', async () => {
    const { source, all, name } = await started()
    await name(all)
    expect(new Set((await source.read()).members)).toEqual(new Set(all))
    await name(all.slice(1))
    expect(new Set((await source.read()).members)).toEqual(new Set(all.slice(1)))
  })

  test('does not give an empty answer, but says that there is nobody', async () => {
    const { source, name } = await started()
    await name([])
    await expect(source.read()).rejects.toMatchObject({ code: 'MEMBERS_NONE' })
  })

  test('fails with one code when it cannot be read, and says what it is', async () => {
    const { source, all, name, breakIt } = await started()
    await name(all)
    if (breakIt === undefined) return
    await breakIt()
    await expect(source.read()).rejects.toMatchObject({
      code: 'MEMBERS_UNAVAILABLE',
      message: expect.stringContaining(source.what),
    })
  })

  test('is not read for a caller that has given up', async () => {
    const { source, all, name } = await started()
    await name(all)
    await expect(source.read({ signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ABORTED' })
  })

  test('says when to look again, unless it never changes', async () => {
    const { source, all, name } = await started()
    await name(all)
    const { againMs } = await source.read()
    if (source.what === 'the config') expect(againMs).toBeUndefined()
    else expect(againMs).toBeGreaterThan(0)
  })
})

describe('a file of members', () => {
  const text = (id: string) => `- id: ${id}\n  url: http://${id}:64001\n`

  test('is followed through the links of a ConfigMap', async () => {
    await using folder = await tempFolder('members')
    const at = (...names: string[]) => join(folder.path, ...names)
    const version = async (name: string, id: string) => {
      await mkdir(at(name))
      await writeFile(at(name, 'members.yaml'), text(id))
      await symlink(name, at('..data_tmp'))
      await rename(at('..data_tmp'), at('..data'))
    }
    await version('..1', 'origin-1')
    await symlink(join('..data', 'members.yaml'), at('members.yaml'))
    const source = fileSource({ path: at('members.yaml') })
    expect((await source.read()).members).toEqual([{ id: 'origin-1', url: 'http://origin-1:64001' }])
    await version('..2', 'origin-2')
    expect((await source.read()).members).toEqual([{ id: 'origin-2', url: 'http://origin-2:64001' }])
  })

  test.each([
    ['that is missing', undefined, /does not exist/],
    ['with an id twice', `${text('a')}- id: a\n  url: http://b:1\n`, /same id/],
    ['with an id that cannot be one', '- id: __proto__\n  url: http://b:1\n', /must be letters/],
    ['with another key', '- id: a\n  url: http://b:1\n  zone: x\n', /zone/],
    ['that is no list', 'members: 1\n', /array/],
    ['that is too large', '#'.repeat(1024 * 1024 + 1), /larger/],
  ])('%s is refused with the reason', async (_name, content, reason) => {
    await using folder = await tempFolder('members')
    const path = join(folder.path, 'members.yaml')
    if (content !== undefined) await writeFile(path, content)
    await expect(fileSource({ path }).read()).rejects.toMatchObject({
      code: 'MEMBERS_UNAVAILABLE',
      message: expect.stringMatching(reason),
    })
  })
})

describe('members that DNS names', () => {
  const over = async (records: readonly DnsRecord[], init: { record: 'SRV' | 'A'; port?: number }) => {
    await using dns = await dnsResponder()
    const name = init.record === 'SRV' ? NAME : DOMAIN
    dns.set(name, records)
    for (const record of records)
      if (record.type === 'SRV') dns.set(record.target, [{ type: 'A', address: '10.0.0.1', ttl: 12 }])
    return await dnsSource({ ...dnsInit, ...init, name, servers: [dns.server] }).read()
  }

  test.each([
    [1, 5_000],
    [12, 12_000],
    [3_600, 30_000],
  ])('with a TTL of %d s are asked for again after %d ms', async (ttl, againMs) => {
    const answer = await over([{ type: 'A', address: '10.0.0.1', ttl }], { record: 'A', port: 1 })
    expect(answer.againMs).toBe(againMs)
  })

  test('by SRV records are asked for again after the TTL of an address of a target', async () => {
    const answer = await over([{ type: 'SRV', target: `origin-0.${DOMAIN}`, port: 1 }], { record: 'SRV' })
    expect(answer.againMs).toBe(12_000)
  })

  test('outside the domain of the service have their whole name as their id', async () => {
    const { members } = await over([{ type: 'SRV', target: 'Far.Example.com', port: 1 }], { record: 'SRV' })
    expect(members).toEqual([{ id: 'far.example.com', url: 'http://far.example.com:1' }])
  })

  test('at two ports of one host are refused, since both would be one member', async () => {
    const target = `origin-0.${DOMAIN}`
    const records = [1, 2].map((port): DnsRecord => ({ type: 'SRV', target, port }))
    await expect(over(records, { record: 'SRV' })).rejects.toMatchObject({
      code: 'MEMBERS_UNAVAILABLE',
      message: expect.stringContaining('origin-0'),
    })
  })

  test('a name server that is silent is not waited for by a caller that gives up', async () => {
    await using dns = await dnsResponder()
    dns.mode = 'silent'
    const cut = new AbortController()
    const reading = dnsSource({ ...dnsInit, name: NAME, record: 'SRV', servers: [dns.server] }).read({
      signal: cut.signal,
    })
    cut.abort()
    await expect(reading).rejects.toMatchObject({ code: 'ABORTED' })
  })
})
