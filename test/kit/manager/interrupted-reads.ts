import type { KyselyPlugin } from 'kysely'
import type { ManagerDatabase, Reader, Tx } from '../../../services/manager/database/index.ts'

/** A database in which something else happens once, when the first statement of its readers has its rows. */
export function interruptedReads(inner: ManagerDatabase, happen: () => Promise<unknown>): ManagerDatabase {
  let happened: Promise<unknown> | undefined
  const plugin: KyselyPlugin = {
    transformQuery: ({ node }) => node,
    async transformResult({ result }) {
      happened ??= happen()
      await happened
      return result
    },
  }
  const interrupted = (reader: Reader): Reader => (reader as Tx).withPlugin(plugin)
  return {
    get read() {
      return interrupted(inner.read)
    },
    snapshot: (work) => inner.snapshot((tx) => work(interrupted(tx))),
    ...{ keep: inner.keep.bind(inner), change: inner.change.bind(inner), rowsAtOnce: inner.rowsAtOnce },
    ...{ problem: () => inner.problem(), start: () => inner.start(), stop: () => inner.stop() },
  }
}
