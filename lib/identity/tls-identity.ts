import { appError, type Clock, rounds, type Startable, type TlsMaterial, type TlsTexts } from '../base/index.ts'
import type { Logger, Metrics } from '../telemetry/index.ts'
import { type CheckedTexts, checkedTls, readTls, type TlsFiles } from './tls-files.ts'

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

/** Pause between two looks at the files, milliseconds: events of the file system do not tell of every mount. */
const LOOK_MS = 5_000
const DAY_MS = 24 * 60 * 60 * 1000
/** From so many days before its end on, a certificate is warned of once a day. */
const WARN_DAYS = 14

export function tlsIdentity(components: TlsIdentityComponents, files: TlsFiles): TlsIdentity {
  return new FileIdentity(components, files)
}

class FileIdentity implements TlsIdentity {
  readonly #components: TlsIdentityComponents
  readonly #files: TlsFiles
  readonly #looking: Startable
  readonly #told: (outcome: 'taken' | 'refused') => void
  readonly #days: { set(value: number): void }
  #now: CheckedTexts | undefined
  /** What was read last and did not fit, so that it is told only once. */
  #refused = ''
  #warnedOfDays = Number.POSITIVE_INFINITY

  constructor(components: TlsIdentityComponents, files: TlsFiles) {
    const { metrics } = components
    this.#components = components
    this.#files = files
    const help =
      'Changes of the files of certificates and keys: those that count now, and those that do not fit together.'
    const reloads = metrics.counter({ name: 'shoal_tls_reloads_total', help }, ['outcome'])
    this.#told = (outcome) => reloads.with({ outcome }).add()
    const ends = 'Days until the certificate of this process ends; negative afterwards.'
    this.#days = metrics.gauge({ name: 'shoal_tls_certificate_days', help: ends }).with({})
    this.#looking = rounds(components.clock, {
      work: async () => {
        await this.#look()
        return LOOK_MS
      },
      onFailure: (err) => this.#refuse(String(err), err),
      retryMs: LOOK_MS,
    })
  }

  get now(): TlsTexts {
    if (this.#now === undefined) throw appError('UNKNOWN', { message: 'the files of tls have not been read yet' })
    return this.#now
  }

  async start(): Promise<void> {
    this.#now ??= checkedTls(await readTls(this.#files), this.#files, this.#components.clock.now())
    this.#tellDays()
    await this.#looking.start()
  }

  stop(): Promise<void> {
    return this.#looking.stop()
  }

  async #look(): Promise<void> {
    const read = await readTls(this.#files)
    this.#tellDays()
    const text = textOf(read)
    if (this.#now !== undefined && text === textOf(this.#now)) {
      this.#refused = ''
      return
    }
    try {
      this.#now = checkedTls(read, this.#files, this.#components.clock.now())
    } catch (err) {
      this.#refuse(text, err)
      return
    }
    this.#refused = ''
    this.#warnedOfDays = Number.POSITIVE_INFINITY
    this.#told('taken')
    this.#components.logger.info('new connections use the changed files of tls', { days: this.#daysLeft })
    this.#tellDays()
  }

  #refuse(text: string, err: unknown): void {
    if (this.#refused === text) return
    this.#refused = text
    this.#told('refused')
    const facts = { err, days: this.#daysLeft }
    this.#components.logger.error('the changed files of tls cannot be used; those from before stay', facts)
  }

  get #daysLeft(): number | undefined {
    const expiresMs = this.#now?.expiresMs
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

const textOf = ({ certificate, key, authorities }: TlsTexts) => JSON.stringify([certificate, key, authorities])
