import { once } from 'node:events'
import { writeSync } from 'node:fs'
import { appError, systemClock, systemRandom } from '../../../lib/base/index.ts'
import { durableJournal, levelStorage } from '../../../lib/journal/index.ts'
import { silentLogger } from '../../../lib/telemetry/silent-logger.ts'

/**
 * Adds, executes, retries and deletes tasks until it is killed. It waits for a byte on stdin before it opens the
 * journal. On stdout it reports what the journal has promised, each line in one write that a kill cannot lose:
 *
 *     ready          it waits for the byte
 *     added KEY      `add` has returned
 *     doing KEY      the executor is about to resolve: from now on the task may be gone
 *     deleting KEY   from now on the task may be gone
 *     deleted KEY    `delete` has returned
 */
const [folder = '', name = ''] = process.argv.slice(2)
const say = (what: string, key: string) => writeSync(1, `${what} ${key}\n`)
const clock = systemClock()

const journal = durableJournal(
  {
    clock,
    random: systemRandom(),
    logger: silentLogger(),
    storage: levelStorage({ folder }),
    executors: {
      easy: { run: async ({ key }) => void say('doing', key) },
      late: {
        async run({ key, attempts }) {
          if (attempts < 1) throw appError('BACKEND_UNAVAILABLE')
          say('doing', key)
        },
      },
      hopeless: { run: () => Promise.reject(appError('BACKEND_DENIED')) },
    },
  },
  { concurrency: 4, retry: { baseMs: 2, maxMs: 8, attempts: 5 }, maxTasks: 1e6 },
)

async function addOne(key: string): Promise<void> {
  const kinds = ['easy', 'late', 'hopeless', 'easy']
  const kind = kinds[key.length % kinds.length] ?? 'easy'
  await journal.add({ kind, key, payload: { key, filler: key.repeat(20) }, delayMs: key.length % 3 })
  say('added', key)
}

async function deleteOne(): Promise<void> {
  const { tasks } = journal.list({ state: 'dead', limit: 1 })
  const [task] = tasks
  if (task === undefined) return
  say('deleting', task.key)
  await journal.delete(task.id)
  say('deleted', task.key)
}

say('ready', '')
await once(process.stdin, 'data')
await journal.start()
for (let i = 0; ; i += 1) {
  await Promise.all(['', 'x', 'xx', 'xxx'].map((suffix) => addOne(`${name}-${i}${suffix}`)))
  if (i % 3 === 0) await deleteOne()
}
