import { once } from 'node:events'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { type IncomingMessage, request } from 'node:http'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { type Digest, digestOf } from '../../../lib/core/index.ts'
import { buildResource } from '../resource-stack.ts'
import { run } from '../run.ts'
import { startProcess } from '../start-process.ts'
import { searchPath } from './requirements.ts'
import { sandbox } from './sandbox.ts'

/** A folder as an image of nydus: the bytes of all files in one blob, and their names and places in a bootstrap. */
export interface NydusImage {
  readonly blob: Buffer
  /** Also the name of the file that the blob is. */
  readonly digest: Digest
  /** Path of the bootstrap, which a node has from an ordinary layer. */
  readonly bootstrap: string
}

/** Makes the image with `nydus-image`, in `folder`, which must not exist. */
export async function makeNydusImage(source: string, folder: string): Promise<NydusImage> {
  const bootstrap = join(folder, 'bootstrap')
  const blobs = join(folder, 'blobs')
  await mkdir(blobs, { recursive: true })
  await run('nydus-image', ['create', '--bootstrap', bootstrap, '--blob-dir', blobs, source], {
    env: { PATH: searchPath },
    cwd: folder,
  })
  const [name, ...others] = await readdir(blobs)
  if (name === undefined || others.length > 0) throw new Error(`nydus-image made ${others.length + 1} blobs`)
  const blob = await readFile(join(blobs, name))
  const digest = digestOf(blob)
  if (digest !== `sha256:${name}`) throw new Error(`the blob ${name} is ${digest}`)
  return { blob, digest, bootstrap }
}

/** An image that a nydusd of the test's own has mounted. */
export interface Nydusd extends AsyncDisposable {
  /** Where the files are, for other processes: nydusd has mounted them where only it sees them. */
  readonly folder: string
  log(): string
}

export interface NydusdInit {
  /** As `--config` takes it; `/var/lib` is a folder of its own. */
  readonly config: object
  readonly bootstrap: string
}

/** Mounts an image; whoever reads its files must not be this process, whose threads would wait for its own agent. */
export function startNydusd({ config, bootstrap }: NydusdInit): Promise<Nydusd> {
  return buildResource(async (stack) => {
    const box = stack.own(await sandbox('nydusd', []))
    const path = (name: string) => join(box.path, name)
    await mkdir(join(box.path, 'host-lib', 'nydus', 'cache'), { recursive: true })
    await mkdir(path('mount'))
    await writeFile(path('nydusd.json'), JSON.stringify(config))
    const [command = '', ...before] = box.ownMounts
    const daemon = stack.own(
      await startProcess({
        command,
        args: [
          ...[...before, 'nydusd', '--config', path('nydusd.json'), '--bootstrap', bootstrap],
          ...['--mountpoint', path('mount'), '--apisock', path('api.sock'), '--rlimit-nofile', '0'],
        ],
        env: box.env,
        async ready(_output, signal) {
          const state = await stateAt(path('api.sock'), signal)
          if (state !== 'RUNNING') throw new Error(`nydusd is ${state}`)
        },
      }),
    )
    const log = () => daemon.output().stdout + daemon.output().stderr
    return { folder: `/proc/${daemon.pid}/root${path('mount')}`, log }
  })
}

async function stateAt(socketPath: string, signal: AbortSignal): Promise<string> {
  const sent = request({ socketPath, path: '/api/v1/daemon', signal }).end()
  const [answer] = (await once(sent, 'response')) as [IncomingMessage]
  return (JSON.parse(await text(answer)) as { readonly state: string }).state
}
