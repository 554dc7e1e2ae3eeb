/** Work that is done once, however often it is asked for in one turn of the event loop. */
export interface OncePerTurn {
  /** The work runs at the end of this turn, when all sockets that are ready have been read. */
  ask(): void
  /** Does the work no more. */
  stop(): void
}

/** `work` must not throw: it runs in nobody's call. */
export function oncePerTurn(work: () => void): OncePerTurn {
  let asked: NodeJS.Immediate | undefined
  let stopped = false
  return {
    ask() {
      if (stopped) return
      asked ??= setImmediate(() => {
        asked = undefined
        work()
      })
    },
    stop() {
      stopped = true
      if (asked !== undefined) clearImmediate(asked)
      asked = undefined
    },
  }
}
