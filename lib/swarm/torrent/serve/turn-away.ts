import {
  type AppError,
  abortController,
  anySignal,
  appError,
  type Background,
  type Clock,
  type Random,
  shuffled,
} from '../../../base/index.ts'
import type { PeerInfo } from '../../../core/index.ts'
import type { SwarmLimits } from '../../limits.ts'
import type { PeerConnection } from '../../peer/index.ts'
import type { ConnectionCount } from '../meet/dialer.ts'
import { namedIn } from './named-in.ts'

export interface TurnAwayComponents {
  readonly clock: Clock
  readonly random: Random
  readonly limits: Pick<SwarmLimits, 'maxTurnedAway' | 'turnAwayMs'>
  readonly connections: ConnectionCount
}

/**
 * Tells a peer that there is no room for it and who else may have the blob, then closes the connection with PEER_LIMIT.
 * The peer gets a moment to read that and to hang up by itself, since what was sent is lost with the socket; but only so
 * many at a time get it.
 */
export function turnAway(
  { clock, random, limits, connections }: TurnAwayComponents,
  connection: PeerConnection,
  { others, tasks }: { readonly others: Iterable<PeerConnection>; readonly tasks: Background },
): void {
  const close = () => connection.close(appError('PEER_LIMIT'))
  if (connections.leaving >= limits.maxTurnedAway) {
    close()
    return
  }
  const left = abortController()
  const nothing = () => undefined
  connection.attach({
    ...{ onHave: nothing, onChoke: nothing, onInterest: nothing, onSuggest: nothing, onBusy: nothing },
    ...{ onRequest: nothing, onCancel: nothing, onWant: nothing },
    onClose: (_: AppError | undefined) => left.abort(),
  })
  connections.leaving += 1
  connection.sendBusy(withPieces(others, connection.hello.zone, random))
  tasks.run('turn-away', async (signal) => {
    const either = anySignal([signal, left.signal])
    await clock.sleep(limits.turnAwayMs, { signal: either }).catch(nothing)
    connections.leaving -= 1
    close()
  })
}

/** Whom to ask instead: agents first, since together they have more to give. */
function withPieces(others: Iterable<PeerConnection>, zone: string | undefined, random: Random): readonly PeerInfo[] {
  const named = [...others].filter(({ remoteHave }) => remoteHave.count > 0).flatMap((peer) => namedIn(zone, peer))
  return shuffled(named, random).sort((a, b) => Number(a.role === 'origin') - Number(b.role === 'origin'))
}
