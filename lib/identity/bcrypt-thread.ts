import { createRequire } from 'node:module'
import { Worker } from 'node:worker_threads'
import { appError, type Deferred, deferred, type Startable } from '../base/index.ts'

/** Compares passwords with their hashes in a thread of its own: one comparison takes about a tenth of a second. */
export interface PasswordThread extends Startable {
  /** One after the other. @throws UNAVAILABLE when the thread ended meanwhile */
  matches(password: string, hash: string): Promise<boolean>
}

const PROGRAM = `
  const { parentPort, workerData } = require('node:worker_threads')
  const { compareSync } = require(workerData)
  parentPort.on('message', ({ id, password, hash }) => {
    let isRight = false
    try {
      isRight = compareSync(password, hash)
    } catch {}
    parentPort.postMessage({ id, isRight })
  })
`

interface Answer {
  readonly id: number
  readonly isRight: boolean
}

/** Starts its thread with the first password, and a new one when it died. */
export function passwordThread(): PasswordThread {
  const open = new Map<number, Deferred<boolean>>()
  let worker: Worker | undefined
  let last = 0

  const lost = (gone: Worker) => {
    if (worker !== gone) return
    worker = undefined
    for (const each of open.values()) each.reject(appError('UNAVAILABLE'))
    open.clear()
  }
  const begin = (): Worker => {
    const library = createRequire(import.meta.url).resolve('bcryptjs')
    const begun = new Worker(PROGRAM, { eval: true, execArgv: [], env: {}, workerData: library, name: 'passwords' })
    begun.unref()
    begun.on('message', ({ id, isRight }: Answer) => {
      open.get(id)?.resolve(isRight)
      open.delete(id)
    })
    begun.on('error', () => lost(begun))
    begun.on('exit', () => lost(begun))
    return begun
  }
  return {
    start: () => Promise.resolve(),
    async stop() {
      const ending = worker
      if (ending === undefined) return
      lost(ending)
      await ending.terminate()
    },
    matches(password, hash) {
      worker ??= begin()
      last += 1
      const answer = deferred<boolean>()
      open.set(last, answer)
      worker.postMessage({ id: last, password, hash })
      return answer.promise
    },
  }
}
