import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { searchPath } from '../clients/requirements.ts'
import { buildResource } from '../resource-stack.ts'
import { run } from '../run.ts'
import { startProcess } from '../start-process.ts'
import { tempFolder } from '../temp-folder.ts'
import { testPorts } from '../test-ports.ts'

const env = { PATH: searchPath }

export interface BindServer extends AsyncDisposable {
  readonly port: number
  /** The text of a key file, as tsig-keygen has written it. */
  readonly keyText: string
  /** Changes the zone as a person would, by nsupdate: one line for each change. */
  change(...lines: readonly string[]): Promise<void>
  /** What `dig` prints of the whole zone, without its SOA. */
  records(): Promise<readonly string[]>
  /** What a resolver gets for a name. */
  addresses(name: string): Promise<readonly string[]>
  kill(): Promise<void>
}

/** Debian's named with one zone, which takes updates that are signed with a key of its own. */
export function bindServer(zone: string): Promise<BindServer> {
  return buildResource(async (stack) => {
    const folder = stack.own(await tempFolder('bind')).path
    // Started by root it changes to nobody's rights only where it is told to; the folder is for whoever it is.
    await chmod(folder, 0o777)
    await mkdir(join(folder, 'keys'))
    const { port } = (await testPorts(1)).take(0, { port: 0 })
    const keyText = (await run('tsig-keygen', ['-a', 'hmac-sha256', 'shoal-key'], { env })).stdout
    const [conf, keyFile, zoneFile] = ['named.conf', 'keys/shoal', 'zone.db'].map((name) => join(folder, name))
    await writeFile(keyFile ?? '', keyText)
    await writeFile(
      zoneFile ?? '',
      `$TTL 60\n@ SOA ns.${zone}. admin.${zone}. 1 60 60 600 10\n@ NS ns.${zone}.\nns A 127.0.0.1\n`,
    )
    await writeFile(
      conf ?? '',
      `${keyText}
options {
  directory "${folder}"; pid-file none; session-keyfile none; recursion no; dnssec-validation no; notify no;
  listen-on port ${port} { 127.0.0.1; }; listen-on-v6 { none; };
};
controls { };
zone "${zone}" { type primary; file "zone.db"; update-policy { grant shoal-key zonesub ANY; }; allow-transfer { 127.0.0.1; }; };
`,
    )
    const dig = async (...words: readonly string[]) => {
      const args = ['@127.0.0.1', '-p', String(port), '+tcp', '+time=2', '+tries=1', ...words]
      const { stdout } = await run('dig', args, { env })
      return stdout.split('\n').filter((line) => line !== '' && !line.startsWith(';'))
    }
    const server = stack.own(
      await startProcess({
        ...{ command: 'named', args: ['-g', '-n', '1', '-c', conf ?? '', '-p', String(port)], env },
        ready: async () => {
          if ((await dig('+short', zone, 'NS')).length === 0) throw new Error('named does not answer')
        },
      }),
    )
    return {
      ...{ port, keyText },
      async change(...lines: readonly string[]) {
        const text = [`server 127.0.0.1 ${port}`, `zone ${zone}`, ...lines, 'send', ''].join('\n')
        const script = join(folder, 'changes')
        await writeFile(script, text)
        await run('nsupdate', ['-v', '-k', keyFile ?? '', script], { env })
      },
      records: async () => (await dig(zone, 'AXFR')).filter((line) => !/\sSOA\s/.test(line)).toSorted(),
      addresses: (name: string) => dig('+short', name, 'A'),
      async kill() {
        server.kill('SIGKILL')
        await server.exited
      },
    }
  })
}
