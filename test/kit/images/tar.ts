const blockBytes = 512

/** One file of an archive; its metadata (owner 0, time 0) is fixed, so that equal trees give equal bytes. */
export type TarEntry =
  | { readonly type: 'folder'; readonly name: string }
  | { readonly type: 'link'; readonly name: string; readonly target: string }
  | {
      readonly type: 'file'
      readonly name: string
      readonly sizeBytes: number
      /** Exactly `sizeBytes` bytes. */
      readonly content: Iterable<Uint8Array>
      readonly executable?: boolean
    }

const typeFlags = { file: '0', link: '2', folder: '5' } as const

/** The bytes of a POSIX ustar archive, as a stream; without entries it is the two zero blocks at the end. */
export function* tarChunks(entries: Iterable<TarEntry>): Generator<Uint8Array> {
  for (const entry of entries) {
    yield header(entry)
    if (entry.type !== 'file') continue
    yield* entry.content
    yield Buffer.alloc((blockBytes - (entry.sizeBytes % blockBytes)) % blockBytes)
  }
  yield Buffer.alloc(2 * blockBytes)
}

/**
 * ```
 * 0 name  100 mode  108 uid  116 gid  124 size  136 mtime  148 checksum  156 type  157 link target  257 "ustar\0" "00"
 * ```
 */
function header(entry: TarEntry): Buffer {
  const block = Buffer.alloc(blockBytes)
  const executable = entry.type !== 'file' || entry.executable === true
  block.write(entry.type === 'folder' ? `${entry.name}/` : entry.name, 0, 100)
  block.write(octal(executable ? 0o755 : 0o644, 8), 100)
  block.write(octal(0, 8), 108)
  block.write(octal(0, 8), 116)
  block.write(octal(entry.type === 'file' ? entry.sizeBytes : 0, 12), 124)
  block.write(octal(0, 12), 136)
  block.write(' '.repeat(8), 148)
  block.write(typeFlags[entry.type], 156)
  if (entry.type === 'link') block.write(entry.target, 157, 100)
  block.write('ustar\u000000', 257)
  const checksum = block.reduce((sum, byte) => sum + byte, 0)
  block.write(`${checksum.toString(8).padStart(6, '0')}\0 `, 148)
  return block
}

/** Octal digits that fill a field up to its terminating zero byte. */
function octal(value: number, fieldBytes: number): string {
  return `${value.toString(8).padStart(fieldBytes - 1, '0')}\0`
}
