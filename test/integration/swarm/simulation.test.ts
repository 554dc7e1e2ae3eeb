import { expect, test } from '@jest/globals'
import { median } from '../../bench/measure.ts'
import { calm } from '../../bench/simulation/scenario.ts'
import { simulate } from '../../bench/simulation/simulate.ts'
import { swarmBlob } from '../../kit/swarm-blob.ts'
import { type LabNode, swarmLab } from '../../kit/swarm-lab.ts'

const MIB = 1024 * 1024
const AGENTS = 10
const RATE = 8 * MIB

interface Figures {
  readonly finishMs: readonly number[]
  readonly copies: number
}

const figuresOf = ({ finishMs, copies }: Figures) => ({ median: Math.round(median(finishMs)), copies })

/** A number between the two; the values beside it show which side has moved when it is not. */
const within = (least: number, most: number): unknown => ({
  asymmetricMatch: (value: unknown) => typeof value === 'number' && value >= least && value <= most,
  toString: () => `${least} to ${most}`,
})

/** The median of three runs with different chances, since the real swarm has only ten agents. */
function simulated(layers: readonly number[]): Figures {
  const rates = { up: RATE, down: RATE }
  const hosts = { agents: AGENTS, origins: 2, agentRates: rates, originRates: rates }
  // The lab's network and its hashing take no time.
  const atOnce = { startWithinMs: 0, latencyMs: 0, farLatencyMs: 0, verifyBytesPerSecond: Number.POSITIVE_INFINITY }
  const runs = [1, 2, 3].map((seed) => simulate({ ...calm, ...hosts, ...atOnce, layers, seed }))
  return { finishMs: runs.map(({ finishMs }) => median(finishMs)), copies: median(runs.map(({ copies }) => copies)) }
}

test.each([
  ['one blob', [48]],
  ['two blobs at once', [24, 24]],
])('the simulator says what ten agents with limited rates do with %s', async (_, mebibytes) => {
  const blobs = mebibytes.map((size, at) => swarmBlob(at + 1, size * MIB))
  const bytes = blobs.reduce((sum, blob) => sum + blob.bytes.length, 0)
  await using lab = swarmLab(blobs)
  const limit = { uploadBytesPerSecond: RATE, downloadBytesPerSecond: RATE }
  const ids = ['origin-1', 'origin-2']
  const origins: LabNode[] = []
  for (const self of ids) origins.push(await lab.origin({ ...limit, ring: { self, owners: () => ids } }))
  const agents: LabNode[] = []
  for (let at = 0; at < AGENTS; at += 1) agents.push(await lab.agent(limit))
  const startMs = lab.clock.monotonicMs()
  const pull = async (agent: LabNode) => {
    await Promise.all(blobs.map((blob) => agent.pull(blob)))
    return lab.clock.monotonicMs() - startMs
  }
  const finishMs = await lab.run(Promise.all(agents.map(pull)))
  const given = origins.reduce((sum, origin) => sum + origin.sentToPeers, 0) + lab.sources.piecesSent
  const real = figuresOf({ finishMs, copies: given / bytes })

  const told = figuresOf(simulated(blobs.map((blob) => blob.bytes.length)))
  expect({ real, told, ratio: told.median / real.median }).toEqual({ real, told, ratio: within(0.85, 1.15) })
  expect({ real, told, ratio: told.copies / real.copies }).toEqual({ real, told, ratio: within(0.6, 1.4) })
})
