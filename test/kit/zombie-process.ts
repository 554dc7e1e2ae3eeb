import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { ownIdentity } from '../../lib/base/index.ts'
import { exitOf } from './child-process.ts'
import { eventually } from './eventually.ts'

/** A process that has ended but whose parent does not wait for it: its pid still exists and accepts signals. */
export interface ZombieProcess extends AsyncDisposable {
  /** The value that `ownIdentity` returned in that process. */
  readonly identity: string
}

export async function zombieProcess(): Promise<ZombieProcess> {
  // `exec` replaces the shell by a program that knows nothing of the child and never waits for it.
  const parent = spawn('/bin/sh', ['-c', 'sleep 0.01 & echo $!; exec sleep 600'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line] = (await once(parent.stdout, 'data')) as [Buffer]
  const pid = Number(line.toString())
  const fields = async () => {
    const stat = await readFile(`/proc/${pid}/stat`, 'latin1')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  }
  await eventually(async () => {
    if ((await fields())[0] !== 'Z') throw new Error('it lives still')
  })
  const [boot, namespace] = (await ownIdentity()).split('.')
  return {
    identity: `${boot}.${namespace}.${pid}.${(await fields())[19]}`,
    async [Symbol.asyncDispose]() {
      const ended = exitOf(parent)
      parent.kill('SIGKILL')
      await ended
    },
  }
}
