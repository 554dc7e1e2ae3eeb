import { type StartedProcess, startProcess } from './start-process.ts'

export interface Aria2Init {
  /** Where the blob is, or is to come. */
  readonly folder: string
  /** Path of the torrent file. */
  readonly torrent: string
  /** The first of the ports that it may listen on. */
  readonly port: number
}

/** aria2 with a folder of its own; it finds peers only through the tracker, and seeds until it is ended. */
export function aria2({ folder, torrent, port }: Aria2Init): Promise<StartedProcess<void>> {
  const off = ['--enable-dht=false', '--enable-dht6=false', '--bt-enable-lpd=false', '--enable-peer-exchange=false']
  const seed = ['--check-integrity=true', '--seed-ratio=0.0', '--allow-overwrite=true']
  return startProcess({
    command: 'aria2c',
    args: ['--no-conf', `--dir=${folder}`, `--listen-port=${port}-${port + 99}`, ...off, ...seed, torrent],
    ready: () => undefined,
  })
}
