import {
  appError,
  type Clock,
  ownerOnly,
  ownIdentity,
  type ProcessIdentity,
  processLocks,
  type Random,
} from '../../base/index.ts'

export interface FolderLockInit {
  /** Path of the lock file. */
  readonly path: string
  readonly folder: string
}

/** Earlier versions wrote JSON with the pid and the start time of the process; such a process may still be running. */
function ownerOf(text: string, own: ProcessIdentity): ProcessIdentity {
  const earlier = /^\{"pid":(\d+),"startTicks":"(\d+)"/.exec(text)
  if (earlier === null) return text
  const [boot, namespace] = own.split('.')
  return `${boot}.${namespace}.${earlier[1]}.${earlier[2]}`
}

/**
 * Locks the folder for this process; call the result to release it. The lock of a dead process is taken over, and so is
 * one of another boot or container: when a container restarts, its earlier processes cannot be looked up.
 * @throws CONFIG_INVALID when a living process holds it
 */
export async function lockFolder(
  components: { readonly clock: Clock; readonly random: Random },
  { path, folder }: FolderLockInit,
): Promise<() => Promise<void>> {
  const newPath = async () => `${path}.${Buffer.from(components.random.bytes(8)).toString('hex')}.tmp`
  const locks = processLocks(
    { ...components, identity: ownIdentity, newPath, mode: ownerOnly.file },
    {
      waitMs: 0,
      holdMs: Number.POSITIVE_INFINITY,
      ownerOf,
      isAbandoned: (liveness) => liveness !== 'alive',
      busy: ({ owner }) => {
        const pid = Number(owner.split('.')[2])
        const message = `the store folder is in use by process ${pid}; stop it, or give this one another folder`
        return appError('CONFIG_INVALID', { message, detail: { folder, pid } })
      },
    },
  )
  const lock = await locks.acquire(path)
  return () => lock.release()
}
