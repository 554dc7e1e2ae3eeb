import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect, test } from '@jest/globals'
import { deferred, fakeClock, seededRandom, systemClock } from '../../../lib/base/index.ts'
import { durableJournal, levelStorage } from '../../../lib/journal/index.ts'
import { silentLogger } from '../../../lib/telemetry/index.ts'
import { describeExit, exitOf } from '../../kit/child-process.ts'
import { compiledScript } from '../../kit/compiled-script.ts'
import { tempFolder } from '../../kit/temp-folder.ts'

const source = fileURLToPath(new URL('./journal-child.ts', import.meta.url))
const kills = 100
/** Number of children started in advance, because the start of a child takes longer than its work. */
const waiting = 3
/** Most lines before a child is killed; one child in ten is killed while it opens the journal. */
const mostLines = 60

interface Moment {
  readonly lines: number
  readonly ms: number
}

/** A child that has started and waits. */
interface Child {
  readonly ready: Promise<unknown>
  /** Lets the child work until it has printed `lines` lines and for `ms` more, kills it, and returns its lines. */
  liveAndDie(moment: Moment): Promise<readonly string[]>
  kill(): void
}

function prepareChild(script: string, folder: string, name: string): Child {
  const child = spawn(process.execPath, [script, folder, name], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const exit = exitOf(child)
  const said = createInterface({ input: child.stdout })
  const lines: string[] = []
  said.on('line', (line) => lines.push(line))
  const closed = once(said, 'close')
  const ready = Promise.race([once(said, 'line'), exit.then((end) => Promise.reject(new Error(describeExit(end))))])
  // A child that is not needed any more is killed before anything awaits `ready`.
  ready.catch(() => undefined)
  return {
    ready,
    kill: () => child.kill('SIGKILL'),
    async liveAndDie(moment) {
      const enough = deferred()
      said.on('line', () => {
        if (lines.length > moment.lines) enough.resolve()
      })
      child.stdin.write('go')
      if (moment.lines > 0) await Promise.race([enough.promise, exit])
      await systemClock().sleep(moment.ms)
      child.kill('SIGKILL')
      expect(await exit).toMatchObject({ signal: 'SIGKILL' })
      await closed
      return lines
    },
  }
}

/** Tasks that must be in the journal, and tasks that must not be. */
interface Promises {
  readonly owed: Set<string>
  readonly removed: Set<string>
}

function note({ owed, removed }: Promises, lines: readonly string[]): void {
  for (const line of lines) {
    const [what = '', key = ''] = line.split(' ')
    if (what === 'added') owed.add(key)
    if (what === 'deleted') removed.add(key)
  }
  // A task may be done before its `add` has returned.
  for (const line of lines) {
    const [what = '', key = ''] = line.split(' ')
    if (what === 'doing' || what === 'deleting') owed.delete(key)
  }
}

/** Keys of the tasks in the journal after a restart. */
async function keysIn(folder: string): Promise<ReadonlySet<string>> {
  const components = { clock: fakeClock(), random: seededRandom(1), logger: silentLogger(), executors: {} }
  const journal = durableJournal(
    { ...components, storage: levelStorage({ folder }) },
    { concurrency: 1, retry: { baseMs: 1, maxMs: 1, attempts: 1 }, maxTasks: 1e6 },
  )
  await journal.open()
  try {
    expect(journal.counts().unreadable).toBe(0)
    const keys = new Set<string>()
    for (let after: string | undefined = ''; after !== undefined; ) {
      const page = journal.list({ after })
      for (const { key } of page.tasks) keys.add(key)
      after = page.next
    }
    return keys
  } finally {
    await journal.close()
  }
}

const seed = Number(process.env['JOURNAL_SEED'] ?? Math.floor(Math.random() * 1e9))

test('a journal that is killed at random moments loses no task and brings none back', async () => {
  const random = seededRandom(seed)
  await using folder = await tempFolder('journal')
  const script = await compiledScript(source)
  const promises: Promises = { owed: new Set(), removed: new Set() }
  const children: Child[] = []
  let mostOwed = 0
  try {
    for (let kill = 1; kill <= kills; kill += 1) {
      while (children.length < waiting) children.push(prepareChild(script, folder.path, `n${kill}.${children.length}`))
      const child = children.shift()!
      await child.ready
      const isOpening = random.next() < 0.1
      const lines = isOpening ? 0 : Math.ceil(random.next() * mostLines)
      const ms = Math.floor(random.next() * (isOpening ? 20 : 4))
      note(promises, await child.liveAndDie({ lines, ms }))
      const found = await keysIn(folder.path)
      const where = `seed ${seed}, kill ${kill} after ${lines} lines and ${ms} ms`
      expect([where, [...promises.owed].filter((key) => !found.has(key))]).toEqual([where, []])
      expect([where, [...promises.removed].filter((key) => found.has(key))]).toEqual([where, []])
      mostOwed = Math.max(mostOwed, promises.owed.size)
    }
  } finally {
    for (const child of children) child.kill()
  }
  process.stdout.write(
    `journal killed ${kills} times: seed ${seed}, ${mostOwed} tasks owed at most, ${promises.removed.size} deleted\n`,
  )
  expect(mostOwed).toBeGreaterThan(0)
  expect(promises.removed.size).toBeGreaterThan(0)
})
