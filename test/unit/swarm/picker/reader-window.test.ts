import { describe, expect, test } from '@jest/globals'
import { swarmLimits } from '../../../../lib/swarm/index.ts'
import { windowBytes } from '../../../../lib/swarm/picker/index.ts'

const MIB = 1024 * 1024
const known = { takeBytesPerSecond: 60 * MIB, arrivalBytesPerSecond: 100 * MIB, pieceMs: 50 }

describe('the window in front of a reader', () => {
  test.each([
    ['is twice what the reader takes while a piece comes', {}, 6],
    ['is no wider than for what comes in', { takeBytesPerSecond: 1_000 * MIB }, 10],
    ['is that of what comes in while the reader has taken too little to tell', { takeBytesPerSecond: undefined }, 10],
    ['grows with the time that a piece takes', { pieceMs: 100 }, 12],
    ['has an upper bound', { pieceMs: 5_000 }, 16],
    ['is small where pieces come at once, so that agents fetch different ones', { pieceMs: 5 }, 2],
    ['is small for a slow reader', { takeBytesPerSecond: MIB }, 2],
    ['is small while nothing has come', { arrivalBytesPerSecond: undefined }, 2],
    ['is small before the first piece', { pieceMs: undefined }, 2],
  ])('%s', (_, change, mebibytes) => {
    expect(windowBytes({ ...known, ...change }, swarmLimits)).toBe(mebibytes * MIB)
  })
})
