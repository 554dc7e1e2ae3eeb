import { appError, type Clock, type Startable, type TlsMaterial, type TlsTexts } from '../base/index.ts'
import type { Logger, Metrics } from '../telemetry/index.ts'
import { type CheckedTexts, checkedTls, readTls, type TlsFiles } from './tls-files.ts'
import { type Watched, watched } from './watched.ts'

/** The certificate of this process and the authorities that it trusts, from files that may be replaced while it runs. */
export interface TlsIdentity extends TlsMaterial, Startable {
  /**
   * Reads the files, and looks at them again and again until the stop. Files that do not fit together later, such as a
   * certificate whose key has not been written yet, change nothing: the log and a metric say so.
   * @throws CONFIG_INVALID
   */
  start(): Promise<void>
}

export interface TlsIdentityComponents {
  readonly clock: Clock
  readonly logger: Logger
  readonly metrics: Metrics
}

/** Pause between two looks at the files, milliseconds. */
const LOOK_MS = 5_000
const DAY_MS = 24 * 60 * 60 * 1000
/** From so many days before its end on, a certificate is warned of once a day. */
const WARN_DAYS = 14

export function tlsIdentity(components: TlsIdentityComponents, files: TlsFiles): TlsIdentity {
  return new FileIdentity(components, files)
}

class FileIdentity implements TlsIdentity {
  readonly #components: TlsIdentityComponents
  readonly #watched: Watched<CheckedTexts>
  readonly #told: (outcome: 'taken' | 'refused') => void
  readonly #days: { set(value: number): void }
  #warnedOfDays = Number.POSITIVE_INFINITY

  constructor(components: TlsIdentityComponents, files: TlsFiles) {
    const { metrics } = components
    this.#components = components
    const help =
      'Changes of the files of certificates and keys: those that count now, and those that do not fit together.'
    const reloads = metrics.counter({ name: 'shoal_tls_reloads_total', help }, ['outcome'])
    this.#told = (outcome) => reloads.with({ outcome }).add()
    const ends = 'Days until the certificate of this process ends; negative afterwards.'
    this.#days = metrics.gauge({ name: 'shoal_tls_certificate_days', help: ends }).with({})
    this.#watched = watched(components, {
      read: async () => {
        const read = await readTls(files)
        this.#tellDays()
        return read
      },
      textOf: ({ certificate, key, authorities }) => JSON.stringify([certificate, key, authorities]),
      parse: (read) => checkedTls(read, files, components.clock.now()),
      pauseMs: LOOK_MS,
      onTaken: ({ isFirst }) => this.#take(isFirst),
      onRefused: (err) => this.#refuse(err),
    })
  }

  get now(): TlsTexts {
    const now = this.#watched.value
    if (now === undefined) throw appError('UNKNOWN', { message: 'the files of tls have not been read yet' })
    return now
  }

  start(): Promise<void> {
    return this.#watched.start()
  }

  stop(): Promise<void> {
    return this.#watched.stop()
  }

  #take(isFirst: boolean): void {
    if (!isFirst) {
      this.#warnedOfDays = Number.POSITIVE_INFINITY
      this.#told('taken')
      this.#components.logger.info('new connections use the changed files of tls', { days: this.#daysLeft })
    }
    this.#tellDays()
  }

  #refuse(err: unknown): void {
    this.#told('refused')
    const facts = { err, days: this.#daysLeft }
    this.#components.logger.error('the changed files of tls cannot be used; those from before stay', facts)
  }

  get #daysLeft(): number | undefined {
    const expiresMs = this.#watched.value?.expiresMs
    return expiresMs === undefined ? undefined : Math.floor((expiresMs - this.#components.clock.now()) / DAY_MS)
  }

  #tellDays(): void {
    const days = this.#daysLeft
    if (days === undefined) return
    this.#days.set(days)
    if (days > WARN_DAYS || days >= this.#warnedOfDays) return
    this.#warnedOfDays = days
    this.#components.logger.warn('the certificate of this process ends soon; replace its files', { days })
  }
}
