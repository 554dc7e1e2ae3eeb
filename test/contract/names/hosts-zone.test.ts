import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { hostsZone } from '../../../services/controller/names/index.ts'
import { tempFolder } from '../../kit/temp-folder.ts'
import { type ZoneWorld, zoneSuite } from './zone-suite.ts'

const MARK = 'shoal:one'

const open = async (): Promise<ZoneWorld & { readonly file: string }> => {
  const folder = await tempFolder('hosts-zone')
  const file = join(folder.path, 'hosts')
  const text = async () => readFile(file, 'utf8').catch(() => '')
  return {
    file,
    zone: (mark = MARK) => hostsZone({ file, mark }),
    async foreign(records) {
      await writeFile(file, `# by hand\n${records.map(({ address, name }) => `${address}\t${name} alias`).join('\n')}`)
    },
    async addresses(name) {
      const lines = (await text()).split('\n').map((line) => line.replace(/#.*/, '').trim().split(/\s+/))
      return lines.flatMap(([address = '', ...names]) => (names.includes(name) ? [address] : []))
    },
    others: async () =>
      (await text())
        .split('\n')
        .filter((line) => !line.endsWith(`# ${MARK}`))
        .join('\n')
        .trimEnd(),
    breakOff: async () => folder[Symbol.asyncDispose](),
    [Symbol.asyncDispose]: async () => folder[Symbol.asyncDispose](),
  }
}

zoneSuite('hosts', { open, keepsTtl: false })

describe('a hosts file', () => {
  test('can be read by everybody, and is not written when nothing changes', async () => {
    await using world = await open()
    const record = { name: 'c1.p2p.test', address: '10.0.0.1', ttl: 10 }
    await world.zone().put([record])
    const before = await stat(world.file)
    expect(before.mode & 0o777).toBe(0o644)
    await world.zone().put([record])
    expect((await stat(world.file)).ino).toBe(before.ino)
  })
})
