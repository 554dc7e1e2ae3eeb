import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { buildResource } from '../resource-stack.ts'
import type { RunResult } from '../run.ts'
import { startProcess } from '../start-process.ts'
import { type Containerd, startContainerd } from './containerd.ts'
import { sandbox } from './sandbox.ts'

/** A containerd whose snapshots are those of a stargz daemon, both of the test's own. */
export interface Stargz extends AsyncDisposable {
  readonly containerd: Containerd
  /** Like ctr, with what stargz adds to it, such as `images rpull`. */
  readonly ctrRemote: (args: readonly string[]) => Promise<RunResult>
  log(): string
}

/** @param config the text of the daemon's config.toml */
export function startStargz(config: string): Promise<Stargz> {
  return buildResource(async (stack) => {
    const box = stack.own(await sandbox('stargz'))
    const path = (name: string) => join(box.path, name)
    const address = path('stargz.sock')
    await mkdir(path('root'))
    await writeFile(path('config.toml'), config)
    const more = `[proxy_plugins.stargz]\ntype = "snapshot"\naddress = "${address}"\n`
    const containerd = stack.own(await startContainerd({ more, snapshotter: 'stargz' }))
    const inside = ['--mount', '--target', String(containerd.pid)]
    const flags = ['--address', address, '--root', path('root'), '--config', path('config.toml')]
    const daemon = stack.own(
      await startProcess({
        // containerd and its containers must see the layers that the daemon mounts.
        command: 'nsenter',
        args: [...inside, 'containerd-stargz-grpc', ...flags],
        env: box.env,
        ready: (_output, signal) => containerd.ctr(['snapshots', '--snapshotter', 'stargz', 'ls'], { signal }),
      }),
    )
    return {
      containerd,
      ctrRemote: (args) => box.run('ctr-remote', ['--address', containerd.address, ...args]),
      log: () => daemon.output().stdout + daemon.output().stderr,
    }
  })
}
