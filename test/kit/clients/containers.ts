import { join } from 'node:path'
import { buildResource } from '../resource-stack.ts'
import type { Environment, RunOptions, RunResult } from '../run.ts'
import { sandbox } from './sandbox.ts'

type Command = (
  args: readonly string[],
  options?: Pick<RunOptions, 'input' | 'signal' | 'cwd' | 'timeoutMs'>,
) => Promise<RunResult>

/** Tools of containers/image (skopeo, podman) with a storage of their own; they use HTTP for 127.0.0.1. */
export interface ContainerTools extends AsyncDisposable {
  /** Folder for files that the tools write, such as layouts. */
  readonly folder: string
  /** With it, other programs use this storage. */
  readonly env: Environment
  skopeo: Command
  podman: Command
  buildah: Command
  umoci: Command
  /** Another program of the path, such as oras; it finds no setting and no log-in of this machine. */
  other(program: string, ...parameters: Parameters<Command>): Promise<RunResult>
  /** The program of the daemon, for what it prints about configs; it starts none. */
  containerd: Command
}

/** Prepares a storage; starts no process. */
export function containerTools(): Promise<ContainerTools> {
  return buildResource(async (stack) => {
    const box = stack.own(await sandbox('containers'))
    const config = (name: string) => join(box.path, 'config', name)
    const flags = ['--policy', config('policy.json'), '--registries-conf', config('registries.conf')]
    const tool =
      (name: string, always: readonly string[] = []): Command =>
      (args, options) => {
        const [command = name, ...words] = [...box.ownMounts, name, ...always, ...args]
        return box.run(command, words, options)
      }
    return {
      folder: box.path,
      env: box.env,
      skopeo: tool('skopeo', flags),
      podman: tool('podman'),
      buildah: tool('buildah'),
      umoci: tool('umoci'),
      other: (program, args, options) => box.run(program, args, options),
      containerd: tool('containerd'),
    }
  })
}
