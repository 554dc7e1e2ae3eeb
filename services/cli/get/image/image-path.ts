import { posix } from 'node:path'
import { appError } from '../../../../lib/base/index.ts'
import { MAX_PATH_BYTES } from './limits.ts'

/** A path within an image: relative to its root, without `.`, `..` or doubled slashes; the root itself is ''. */
export type ImagePath = string

/** What a name of a tar, a link or a person stands for. Nothing leads out of the root. @throws IMAGE_TOO_LARGE */
export function imagePath(text: string): ImagePath {
  if (Buffer.byteLength(text) > MAX_PATH_BYTES)
    throw appError('IMAGE_TOO_LARGE', { message: `a path of the image has more than ${MAX_PATH_BYTES} bytes` })
  return posix.normalize(`/${text}`).replace(/^\/+|\/+$/g, '')
}

/** The folder that a path lies in; that of the root is the root. */
export const folderOf = (path: ImagePath): ImagePath => path.slice(0, Math.max(0, path.lastIndexOf('/')))

export const nameOf = (path: ImagePath): string => path.slice(path.lastIndexOf('/') + 1)

export const within = (folder: ImagePath, name: string): ImagePath => (folder === '' ? name : `${folder}/${name}`)

/** The folders that a path lies in, the root first. */
export function* foldersOf(path: ImagePath): Generator<ImagePath> {
  if (path === '') return
  yield ''
  for (let at = path.indexOf('/'); at !== -1; at = path.indexOf('/', at + 1)) yield path.slice(0, at)
}
