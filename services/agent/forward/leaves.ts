import { readFile } from 'node:fs/promises'
import { appError, type Clock, isAppError, type Startable } from '../../../lib/base/index.ts'
import type { KeyedCertificate } from '../../../lib/certificates/index.ts'
import { refuseReadable } from '../../../lib/config/index.ts'
import { watched } from '../../../lib/identity/index.ts'
import type { Runtime } from '../../../lib/service/index.ts'
import type { InspectConfig } from './config.ts'

/** Certificates of hosts, signed by the authority that was in the files when these made sense the last time. */
export interface Leaves {
  /** The certificate of a host name, or of an address without brackets. Undefined when the authority may sign none for it now. */
  issue(host: string): KeyedCertificate | undefined
}

/** Its start reads the files. @throws CONFIG_INVALID (start) */
export interface LeafAuthority extends Startable {
  /** Undefined before the start; another object when the authority has changed. */
  readonly now: Leaves | undefined
}

export type LeafAuthorityComponents = Pick<Runtime, 'clock' | 'logger' | 'metrics'>

/** How long a certificate of a host is valid. */
export const LEAF_MS = 24 * 60 * 60 * 1000
/** Clocks of clients may be behind ours. */
const EARLIER_MS = 60 * 60_000
/** Pause between two looks at the files, milliseconds. */
const LOOK_MS = 5_000
/** RFC 5280, A.1: longest common name. */
const MOST_NAME_CHARS = 64

type Files = NonNullable<InspectConfig['ca']>
type Texts = Readonly<Record<'certificate' | 'key', string>>
type Certificates = typeof import('../../../lib/certificates/index.ts')

const KEY = 'registry.forward.inspect.ca'

/** Says in which files what is wrong. */
const unfit = (cause: unknown, what = isAppError(cause) ? cause.message : 'a file cannot be read') =>
  appError('CONFIG_INVALID', { message: `${KEY}: ${what}`, cause })

export function leafAuthority(components: LeafAuthorityComponents, files: Files): LeafAuthority {
  const { clock, logger } = components
  const told = reloads(components)
  let leavesOf: ((texts: Texts) => Leaves) | undefined
  const authority = watched(components, {
    read: () => readTexts(files),
    textOf: ({ certificate, key }) => `${certificate}\n${key}`,
    parse: (texts) => {
      if (leavesOf === undefined) throw appError('UNKNOWN')
      return leavesOf(texts)
    },
    pauseMs: LOOK_MS,
    onTaken({ isFirst }) {
      if (isFirst) return
      told('taken')
      logger.info('the authority that signs certificates of hosts has changed')
    },
    onRefused(err) {
      told('refused')
      logger.error('the changed authority that signs certificates of hosts does not count', { err })
    },
  })
  return {
    get now() {
      return authority.value
    },
    async start() {
      // Loaded only here: who looks into nothing needs no ASN.1.
      leavesOf ??= leafMaker(clock, await import('../../../lib/certificates/index.ts'))
      await authority.start()
    },
    stop: () => authority.stop(),
  }
}

async function readTexts({ certificate, key }: Files): Promise<Texts> {
  const text = (file: string) =>
    readFile(file, 'utf8').catch((err: unknown) => {
      throw unfit(err, `cannot read ${file}; check the path and its rights`)
    })
  await refuseReadable(key, 'the key of an authority')
  return { certificate: await text(certificate), key: await text(key) }
}

/** All certificates are for one key, which is made for this process. */
function leafMaker(clock: Pick<Clock, 'now'>, { issue, newKeys, signingAuthority }: Certificates) {
  const keys = newKeys()
  return (texts: Texts): Leaves => {
    const authority = checked(() => signingAuthority(texts, clock.now()))
    return {
      issue(host) {
        const nowMs = clock.now()
        if (authority.toMs <= nowMs || !authority.permits(host)) return undefined
        const name = host.length <= MOST_NAME_CHARS ? host : 'shoal'
        const leaf = issue(authority, {
          ...{ name, hosts: [host], sides: ['server'], keys },
          fromMs: Math.max(nowMs - EARLIER_MS, authority.fromMs),
          toMs: Math.min(nowMs + LEAF_MS, authority.toMs),
        })
        return { ...leaf, certificate: leaf.certificate + authority.chain }
      },
    }
  }
}

function checked<T>(make: () => T): T {
  try {
    return make()
  } catch (err) {
    throw unfit(err)
  }
}

function reloads({ metrics }: LeafAuthorityComponents): (outcome: 'taken' | 'refused') => void {
  const help =
    'Changes of the files of the authority that signs certificates of hosts: those that count, and those that do not.'
  const total = metrics.counter({ name: 'shoal_forward_authority_reloads_total', help }, ['outcome'])
  return (outcome) => total.with({ outcome }).add()
}
