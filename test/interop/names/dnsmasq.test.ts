import { Resolver } from 'node:dns/promises'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { hasCode } from '../../../lib/base/index.ts'
import { hostsZone } from '../../../services/controller/names/index.ts'
import { isInstalled, searchPath } from '../../kit/clients/requirements.ts'
import { eventually } from '../../kit/eventually.ts'
import { buildResource } from '../../kit/resource-stack.ts'
import { startProcess } from '../../kit/start-process.ts'
import { tempFolder } from '../../kit/temp-folder.ts'
import { testPorts } from '../../kit/test-ports.ts'

const hasDnsmasq = isInstalled('dnsmasq')
if (!hasDnsmasq) process.stdout.write('skipped: no dnsmasq-base is on the path\n')
const withDnsmasq = hasDnsmasq ? test : test.skip

const BASE = 'c1.p2p.test'

/** Debian's dnsmasq, which reads a file that the driver `hosts` writes. */
const open = (how: 'hostsdir' | 'addn-hosts') =>
  buildResource(async (stack) => {
    const { path } = stack.own(await tempFolder('dnsmasq'))
    const hosts = join(path, 'hosts')
    await mkdir(hosts)
    const file = join(hosts, 'names')
    await writeFile(file, '10.9.9.9 www.p2p.test\n')
    const { port } = (await testPorts(1)).take(0, { port: 0 })
    const resolver = new Resolver({ timeout: 1000, tries: 1 })
    resolver.setServers([`127.0.0.1:${port}`])
    const addresses = async (name: string) => {
      const found = await resolver.resolve4(name, { ttl: true }).catch((err: unknown) => {
        if (hasCode(err, 'ENOTFOUND', 'ENODATA')) return []
        throw err
      })
      return found.map(({ address, ttl }) => `${address} ${ttl}`).sort()
    }
    const server = stack.own(
      await startProcess({
        command: 'dnsmasq',
        args: [
          ...[
            '--keep-in-foreground',
            '--conf-file=/dev/null',
            '--no-resolv',
            '--no-hosts',
            '--pid-file',
            '--user=root',
          ],
          ...[
            '--bind-interfaces',
            '--listen-address=127.0.0.1',
            `--port=${port}`,
            '--local-ttl=10',
            '--local=/p2p.test/',
          ],
          how === 'hostsdir' ? `--hostsdir=${hosts}` : `--addn-hosts=${file}`,
        ],
        env: { PATH: searchPath },
        ready: async () => expect(await addresses('www.p2p.test')).toEqual(['10.9.9.9 10']),
      }),
    )
    return { zone: hostsZone({ file, mark: 'shoal:one' }), addresses, readAgain: () => server.kill('SIGHUP') }
  })

const record = (address: string, name = BASE) => ({ name, address, ttl: 10 })

describe('dnsmasq', () => {
  withDnsmasq('of a folder (hostsdir) resolves what the driver hosts writes, soon and by itself', async () => {
    await using it = await open('hostsdir')
    await it.zone.put([record('10.0.0.1'), record('10.0.0.2'), record('10.0.0.1', `a.${BASE}`)])
    await eventually(async () => expect(await it.addresses(BASE)).toEqual(['10.0.0.1 10', '10.0.0.2 10']))
    expect(await it.addresses(`a.${BASE}`)).toEqual(['10.0.0.1 10'])
    await it.zone.put([record('10.0.0.3')])
    const found = await it.zone.read([BASE])
    await it.zone.remove(found.filter(({ name, address }) => name === BASE && address === '10.0.0.1'))
    await eventually(async () => expect(await it.addresses(BASE)).toEqual(['10.0.0.2 10', '10.0.0.3 10']))
    expect(await it.addresses('www.p2p.test')).toEqual(['10.9.9.9 10'])
  })

  withDnsmasq('of a file (addn-hosts) does so after SIGHUP', async () => {
    await using it = await open('addn-hosts')
    await it.zone.put([record('10.0.0.1'), record('10.0.0.2')])
    expect(await it.addresses(BASE)).toEqual([])
    it.readAgain()
    await eventually(async () => expect(await it.addresses(BASE)).toEqual(['10.0.0.1 10', '10.0.0.2 10']))
    await it.zone.remove((await it.zone.read([BASE])).slice(0, 1))
    it.readAgain()
    await eventually(async () => expect(await it.addresses(BASE)).toEqual(['10.0.0.2 10']))
  })
})
