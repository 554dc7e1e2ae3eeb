import { expect, test } from '@jest/globals'
import type { Exit } from '../../kit/child-process.ts'
import { eventually } from '../../kit/eventually.ts'
import { startHerd } from '../../kit/herd.ts'
import { sendSignal } from '../../kit/process-tree.ts'

/** Whether a server answers at the address. */
const answers = (address: string): Promise<boolean> =>
  fetch(`http://${address}/healthz`).then(
    () => true,
    () => false,
  )

test.each(['SIGTERM', 'SIGINT'] as const)(
  '%s to the npm of npm start alone ends the whole herd, cleanly',
  async (signal) => {
    await using herd = await startHerd({ agents: 1, origins: 1, trackers: 1 })
    expect(await answers(herd.agentOps[0]!)).toBe(true)
    sendSignal(herd.pid, signal)
    let exit: Exit | undefined
    herd.exited.then((how) => (exit = how)).catch(() => undefined)
    // The wait has a limit, because npm would wait for ever for a herd that does not end.
    await eventually(() => expect(exit).toEqual({ code: 0 }))
    const places = [...herd.agentOps, ...herd.originOps, ...herd.trackerOps, herd.proxyOps]
    expect(await Promise.all(places.map(answers))).toEqual(places.map(() => false))
    expect(herd.output().stderr).not.toContain('"level":"error"')
  },
)
