import { type Signal, useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { type SwarmState, swarmState, withDelta } from '../pure/swarm-state.ts'
import { put } from './put.ts'
import type { SwarmDelta, WholeSwarm } from './views.ts'

/** `ended`: nobody downloads or has the blob any more. */
export type Link = 'opening' | 'open' | 'away' | 'ended'

export interface LiveSwarm {
  readonly state: Signal<SwarmState | undefined>
  readonly link: Signal<Link>
}

const dataOf = (event: Event): unknown => JSON.parse((event as MessageEvent<string>).data)

/** Follows a swarm by one stream of events; the browser comes back by itself when it breaks. */
export function useLiveSwarm(url: string): LiveSwarm {
  const state = useSignal<SwarmState | undefined>(undefined)
  const link = useSignal<Link>('opening')
  useEffect(() => {
    state.value = undefined
    link.value = 'opening'
    const source = new EventSource(url)
    source.addEventListener('open', () => put(link, 'open'))
    source.addEventListener('error', () => put(link, 'away'))
    source.addEventListener('whole', (event) => put(state, swarmState(dataOf(event) as WholeSwarm, state.peek())))
    source.addEventListener('delta', (event) => {
      const before = state.peek()
      if (before !== undefined) state.value = withDelta(before, dataOf(event) as SwarmDelta)
    })
    source.addEventListener('ended', () => {
      link.value = 'ended'
      source.close()
    })
    return () => source.close()
  }, [url])
  return { state, link }
}
