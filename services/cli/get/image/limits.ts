/** Names in all layers that are read, with the folders that they imply; images of a million files do not start either. */
export const MAX_ENTRIES = 1_000_000
/** Bytes of a path within an image, and of what a link names: `PATH_MAX` of Linux. */
export const MAX_PATH_BYTES = 4096
/** Bytes of a pax header, or of a long name, before one entry. */
export const MAX_META_BYTES = 1024 * 1024
/** Symbolic links on the way to one file, as Linux counts them (`ELOOP`). */
export const MAX_LINKS = 40
/** Bytes of one layer once it is unpacked: gzip makes a thousand of one. */
export const MAX_UNPACKED_BYTES = 1024 ** 4
/** Bytes of a manifest, as registries take them. */
export const MAX_MANIFEST_BYTES = 4 * 1024 * 1024
/** Indexes within indexes. */
export const MAX_INDEX_DEPTH = 4
/** Bytes of a table of contents, which is parsed as a whole; a layer with a larger one is read from end to end. */
export const MAX_TOC_BYTES = 64 * 1024 * 1024
/** Values in it: strings, numbers, lists and tables. */
export const MAX_TOC_VALUES = 8_000_000
/** Memory for the window of one zstd frame: what `zstd --long` uses. */
export const MAX_ZSTD_WINDOW = 128 * 1024 * 1024
