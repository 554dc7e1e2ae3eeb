/** First and last byte, as in a header. */
export type Bytes = readonly [first: number, last: number]

/** What a file system that mounts a blob of 33.3 MB reads first: its tables at the end, then chunks of files. */
export const mountReads: readonly Bytes[] = [
  [33_325_241, 33_330_914],
  [30_517_127, 31_177_240],
  [14_680_064, 15_728_639],
  [6_291_456, 7_340_031],
  [7_340_032, 8_388_607],
  [8_388_608, 9_437_183],
]

/** What it reads then, those of each list at once: they overlap. */
export const overlappingReads: readonly (readonly Bytes[])[] = [
  [30_405_658, 30_430_430, 30_492_356].map((first): Bytes => [first, 30_517_126]),
  [32_909_374, 33_180_664].map((first): Bytes => [first, 33_325_240]),
]
