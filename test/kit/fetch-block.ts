import { type AbortOptions, appError, onAbort, throwIfAborted } from '../../lib/base/index.ts'
import type { Block, PeerConnection } from '../../lib/swarm/peer/index.ts'

export interface FetchOptions extends AbortOptions {
  readonly onUnwanted?: (bytes: number) => void
}

/** Requests a block and waits for it. @throws what the request fails with, ABORTED after it was withdrawn */
export async function fetchBlock(
  connection: Pick<PeerConnection, 'request'>,
  block: Block,
  into: Uint8Array,
  { signal, onUnwanted = () => undefined }: FetchOptions = {},
): Promise<void> {
  throwIfAborted(signal)
  let takeBack: () => void = () => undefined
  await new Promise<void>((resolve, reject) => {
    const withdraw = connection.request(block, into, { onBlock: resolve, onFailed: reject, onUnwanted })
    takeBack = onAbort(signal, () => {
      withdraw()
      reject(appError('ABORTED'))
    })
  }).finally(() => takeBack())
}
