import { type AppError, type Background, type FairBucket, toAppError } from '../../../base/index.ts'
import { classWeights, type PeerId, type PeerInfo, type PullClass } from '../../../core/index.ts'
import type { PieceSource } from '../../outside.ts'
import type { PeerConnection } from '../../peer/index.ts'
import type { Want } from '../../wire/index.ts'
import type { Prospect } from '../meet/dialer.ts'
import type { AskedNames } from '../shared/asked-names.ts'
import type { WaitSpot } from '../shared/pull-trace.ts'
import { Download } from './download.ts'
import type { DownloadComponents, DownloadTarget } from './download-contract.ts'
import { Ladder } from './ladder.ts'
import { Standing } from './standing.ts'
import { type WantedShare, WantTeller } from './want-teller.ts'

export interface SourcesComponents extends Omit<DownloadComponents, 'downloads'> {
  /** The node's download rate, which all torrents share. */
  readonly downloads: FairBucket
  readonly pieces: PieceSource
  readonly background: Background
}

export interface SourcesInit {
  readonly names: AskedNames
  readonly target: DownloadTarget
  readonly prospect: () => Prospect
  /** Somebody was named who may be dialled. */
  readonly anyone: () => boolean
  /** A request over HTTP failed. */
  onFailed(err: AppError): void
  /** Who has what the origins do not give over HTTP. */
  onNamed(peers: readonly PeerInfo[]): void
  readonly wanted: WantedShare
  /** The highest class at which somebody reads; undefined while nobody does. */
  readonly wantedClass: () => PullClass | undefined
}

/** Where the pieces of one blob come from: peers, and the origins over HTTP below them. */
export class Sources {
  readonly download: Download
  readonly #ladder: Ladder
  readonly #wants: WantTeller
  readonly #standing: Standing
  readonly #anyone: () => boolean

  constructor(components: SourcesComponents, init: SourcesInit) {
    const { map } = init.target
    this.#anyone = init.anyone
    const short = map.length <= components.limits.shortBlobBytes && init.wantedClass() !== 'low'
    const downloads = components.downloads.flow({ short })
    this.#standing = new Standing(components, {
      wanted: init.wantedClass,
      onChange: (pullClass) => downloads.weigh(classWeights[pullClass]),
    })
    downloads.weigh(classWeights[this.#standing.pullClass])
    const sharing = { ...components, downloads }
    this.download = new Download(sharing, init.target)
    const overHttp = (want: Want) =>
      components.background.run('want over http', (signal) =>
        components.pieces.want(init.names.current, want, { signal }).catch((err: unknown) => {
          if (!signal.aborted) init.onFailed(toAppError(err, 'SOURCES_EXHAUSTED'))
        }),
      )
    this.#wants = new WantTeller(components, { wanted: init.wanted, overHttp })
    this.#ladder = new Ladder(sharing, {
      ...{ ...init, map, download: this.download },
      pullClass: () => this.#standing.pullClass,
      onLooked: () => init.target.events.onLooked(),
    })
  }

  /** Why the piece is not here; the answer is good until the next call. */
  why(piece: number): WaitSpot {
    const spot = this.download.why(piece)
    if (spot.cause !== 'noPeers' && spot.cause !== 'unheld') return spot
    const { pause } = this.#ladder
    if (pause === 'refused') spot.cause = 'refused'
    else if (pause === 'failed') spot.cause = 'originFailed'
    else if (spot.cause === 'noPeers' && this.#anyone()) spot.cause = 'dialling'
    return spot
  }

  addPeer(connection: PeerConnection): void {
    this.download.addPeer(connection)
    this.#wants.add(connection)
    this.#standing.add(connection)
  }

  removePeer(id: PeerId): void {
    this.download.removePeer(id)
    this.#wants.remove(id)
    this.#standing.remove(id)
  }

  /** What is worth fetching has changed. */
  wake(): void {
    this.#standing.look()
    this.download.wake()
    this.#wants.look()
    this.climb()
  }

  /** Goes on over HTTP when no peer gives anything. */
  climb(): void {
    this.#ladder.climb()
  }

  /** The bytes of a range that came over HTTP were wrong. */
  distrust(): void {
    this.#ladder.distrust()
  }

  stop(): void {
    this.download.stop()
    this.#ladder.stop()
    this.#wants.stop()
    this.#standing.stop()
  }
}
