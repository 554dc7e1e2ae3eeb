import { type AppError, appError, codeOf, isAppError } from '../../base/index.ts'
import { outcomeOfErrno } from '../outcomes.ts'

const sentences: Readonly<Record<string, string>> = {
  EACCES: 'the folder of the backend may not be used by this process; correct its owner or mode',
  EDQUOT: 'the quota of the backend is used up; raise it or remove objects',
  EIO: 'the disk of the backend fails; check it',
  ENOENT: 'the folder of the backend is not there; mount or create it',
  ENOSPC: 'the disk of the backend is full; free space on it',
  ENOTDIR: 'a file is where the backend needs a folder; move it away',
  EPERM: 'the folder of the backend may not be used by this process; correct its owner or mode',
  EROFS: 'the disk of the backend is read-only; mount it for writing',
}

/** Turns a failed system call into an error with a helpful message. Passes an AppError through. */
export function fsError(err: unknown): AppError {
  if (isAppError(err)) return err
  const errno = codeOf(err)
  const message = errno === undefined ? undefined : sentences[errno]
  return appError(outcomeOfErrno(errno).code, {
    cause: err,
    ...(message === undefined ? {} : { message }),
    ...(errno === undefined ? {} : { detail: { errno } }),
  })
}

/** Awaits file system work and turns its failures into those of `fsError`. */
export async function io<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (err) {
    throw fsError(err)
  }
}
