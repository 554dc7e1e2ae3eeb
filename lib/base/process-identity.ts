import { readFile, readlink } from 'node:fs/promises'
import { hasCode } from './app-error.ts'

/** Identifies one process among all that ever ran: `<boot>.<pid namespace>.<pid>.<start>`; usable as a file name. */
export type ProcessIdentity = string

/** `unknown`: the process belongs to another boot, container or machine, so it cannot be looked up here. */
export type Liveness = 'alive' | 'dead' | 'unknown'

/** The identity of this process. Without `/proc`, only the pid identifies a process. */
export async function ownIdentity(): Promise<ProcessIdentity> {
  const boot = await readFile('/proc/sys/kernel/random/boot_id', 'latin1').catch(() => '0')
  const namespace = await readlink('/proc/self/ns/pid').catch(() => '0')
  const start = (await startOf(process.pid)) ?? '0'
  return `${boot.replaceAll(/[^0-9a-f]/g, '').slice(0, 12)}.${namespace.replaceAll(/\D/g, '')}.${process.pid}.${start}`
}

/** Whether the process with this `identity` still runs, as far as the process `own` can tell. */
export async function livenessOf(identity: ProcessIdentity, own: ProcessIdentity): Promise<Liveness> {
  const [boot, namespace, pid, start] = identity.split('.')
  const [ownBoot, ownNamespace, , ownStart] = own.split('.')
  if (boot !== ownBoot || namespace !== ownNamespace || pid === undefined) return 'unknown'
  if (ownStart === '0') return signalReaches(Number(pid)) ? 'alive' : 'dead'
  return (await startOf(Number(pid))) === start ? 'alive' : 'dead'
}

/**
 * Field 22 of proc_pid_stat(5): start time in clock ticks since boot. Undefined when the process is gone or a zombie.
 */
async function startOf(pid: number): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => undefined)
  // The second field is the command in parentheses and may contain any text; the state follows the last parenthesis.
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ')
  return fields === undefined || fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19]
}

function signalReaches(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (err) {
    return hasCode(err, 'EPERM')
  }
}
