import { WebSocket } from 'undici'
import { eventually } from '../kit/eventually.ts'

const MIB = 1024 ** 2

interface Reply {
  readonly id?: number
  readonly result?: { readonly usedSize?: number }
}

/** What the heap of a process holds after a collection, in MiB; the process listens for an inspector on this port. */
export async function heapMiB(port: number): Promise<number> {
  const targets = await eventually(async (signal) =>
    (await fetch(`http://127.0.0.1:${port}/json/list`, { signal })).json(),
  )
  const [{ webSocketDebuggerUrl }] = targets as [{ readonly webSocketDebuggerUrl: string }]
  const socket = new WebSocket(webSocketDebuggerUrl)
  try {
    return await new Promise((resolve, reject) => {
      const ask = (id: number, method: string) => socket.send(JSON.stringify({ id, method }))
      socket.addEventListener('open', () => ask(1, 'HeapProfiler.collectGarbage'))
      socket.addEventListener('error', () => reject(new Error('the inspector does not answer')))
      socket.addEventListener('message', ({ data }) => {
        const { id, result } = JSON.parse(String(data)) as Reply
        if (id === 1) ask(2, 'Runtime.getHeapUsage')
        if (id === 2) resolve((result?.usedSize ?? Number.NaN) / MIB)
      })
    })
  } finally {
    socket.close()
  }
}
