import { parseRepository, pieceLengthFor } from '../../lib/core/index.ts'
import { cipherBytes } from './cipher-bytes.ts'
import { contentOf } from './store-fixture.ts'

/** A blob of ten units and a bit, for origins that read a backend in units of four pieces. */

export const PIECE = pieceLengthFor(0)
export const UNIT = 4 * PIECE
export const size = 10 * UNIT + PIECE + 777
export const content = contentOf(cipherBytes('right', size), PIECE)
export const blob = { digest: content.digest, repository: parseRepository('team/app') }
export const tail = { start: size - 700, end: size }
