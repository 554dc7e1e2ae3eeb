import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { buildResource } from '../resource-stack.ts'
import { run } from '../run.ts'
import { startProcess } from '../start-process.ts'
import { tempFolder } from '../temp-folder.ts'

/** What a name of the cluster's DNS stands for. */
export interface ClusterName {
  readonly name: string
  /** Of A records. */
  readonly addresses?: readonly string[]
  /** Of SRV records. */
  readonly targets?: readonly { readonly host: string; readonly port: number }[]
}

/** Pods of a cluster, each with a network namespace and an address of its own, and the DNS that all of them ask. */
export interface PodNetwork extends AsyncDisposable {
  /** Address of the name server. */
  readonly nameServer: string
  /** Wires one more pod; words that run a command inside of it. */
  add(address: string): Promise<readonly string[]>
  /** Starts the name server. */
  resolve(names: readonly ClusterName[]): Promise<void>
  /** The body of an answer as somebody outside of the pods gets it. @throws CommandFailed unless 200 */
  get(url: string): Promise<string>
}

const NETWORK = '10.97.0'
export const podAddress = (i: number): string => `${NETWORK}.${i + 10}`

/** Needs root, iproute2 and dnsmasq. */
export const podNetwork = (): Promise<PodNetwork> =>
  buildResource(async (stack) => {
    const { path } = stack.own(await tempFolder('pods'))
    const own = `shoal-${process.pid}`
    const ip = (...args: readonly string[]) => run('ip', args)
    const space = async (name: string) => {
      await ip('netns', 'add', name)
      stack.own({ [Symbol.asyncDispose]: () => ip('netns', 'del', name).then(() => undefined) })
      await ip('-n', name, 'link', 'set', 'lo', 'up')
    }
    await space(own)
    await ip('-n', own, 'link', 'add', 'pods', 'type', 'bridge')
    await ip('-n', own, 'address', 'add', `${NETWORK}.1/24`, 'dev', 'pods')
    await ip('-n', own, 'link', 'set', 'pods', 'up')
    let wires = 0
    return {
      nameServer: `${NETWORK}.1`,
      async add(address) {
        wires += 1
        const [name, wire] = [`${own}-${wires}`, `w${wires}`]
        await space(name)
        await ip('-n', own, 'link', 'add', wire, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name)
        await ip('-n', own, 'link', 'set', wire, 'master', 'pods', 'up')
        await ip('-n', name, 'address', 'add', `${address}/24`, 'dev', 'eth0')
        await ip('-n', name, 'link', 'set', 'eth0', 'up')
        return ['ip', 'netns', 'exec', name]
      },
      async resolve(names) {
        const lines = names.flatMap(({ name, addresses = [], targets = [] }) => [
          ...addresses.map((address) => `host-record=${name},${address}`),
          ...targets.map(({ host, port }) => `srv-host=${name},${host},${port}`),
        ])
        const fixed = [
          'no-resolv',
          'no-hosts',
          'bind-interfaces',
          'port=53',
          `listen-address=${NETWORK}.1`,
          'local-ttl=5',
        ]
        await writeFile(join(path, 'dns'), [...fixed, 'user=root', 'pid-file=', ...lines, ''].join('\n'))
        stack.own(
          await startProcess({
            command: 'ip',
            args: ['netns', 'exec', own, 'dnsmasq', '--keep-in-foreground', `--conf-file=${join(path, 'dns')}`],
            ready: () => Promise.resolve(),
          }),
        )
      },
      get: async (url) => (await run('ip', ['netns', 'exec', own, 'busybox', 'wget', '-q', '-O', '-', url])).stdout,
    }
  })
