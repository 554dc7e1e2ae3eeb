import { createPrivateKey, X509Certificate } from 'node:crypto'
import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { TlsMaterial, TlsTexts } from '../../lib/base/index.ts'
import { issue, type KeyedCertificate, newAuthority } from '../../lib/certificates/index.ts'

const DAY_MS = 24 * 60 * 60 * 1000

/** A certificate authority of a test. */
export interface TestAuthority {
  /** PEM. */
  readonly certificate: string
  /** PEM. */
  readonly key: string
  /** For 127.0.0.1 and localhost, or for other hosts; valid until `days` from now. */
  issue(init?: { readonly hosts?: readonly string[]; readonly days?: number }): KeyedCertificate
}

export function testAuthority(name = 'test authority'): TestAuthority {
  const lifetime = (days: number) => ({ fromMs: Date.now() - 60_000, toMs: Date.now() + days * DAY_MS })
  const { certificate, key } = newAuthority({ name, ...lifetime(100) })
  const signer = { certificate: new X509Certificate(certificate), key: createPrivateKey(key) }
  return {
    ...{ certificate, key },
    issue: ({ hosts = ['127.0.0.1', 'localhost'], days = 90 } = {}) =>
      issue(signer, { name: hosts[0] ?? 'nobody', hosts, ...lifetime(days) }),
  }
}

/** Material that a test changes by hand. */
export interface HandHeld extends TlsMaterial {
  now: TlsTexts
}

/** What a process shows, if anything, and whom it trusts. */
export function tlsTexts(own: KeyedCertificate | undefined, trusted: readonly TestAuthority[]): TlsTexts {
  return { certificate: own?.certificate, key: own?.key, authorities: trusted.map(({ certificate }) => certificate) }
}

export const handHeld = (...texts: Parameters<typeof tlsTexts>): HandHeld => ({ now: tlsTexts(...texts) })

/** Files as the config key `tls` names them. */
export interface TlsFolder {
  readonly config: { readonly certificate: string; readonly key: string; readonly authorities: readonly string[] }
  write(...texts: Parameters<typeof tlsTexts>): Promise<void>
}

/** Writes the files of one process into a folder; all authorities into one file. */
export async function tlsFolder(path: string, ...texts: Parameters<typeof tlsTexts>): Promise<TlsFolder> {
  const [certificate, key, ca] = [join(path, 'tls.crt'), join(path, 'tls.key'), join(path, 'ca.crt')]
  const write: TlsFolder['write'] = async (...now) => {
    const { certificate: own = '', key: secret = '', authorities } = tlsTexts(...now)
    await writeFile(key, secret)
    await chmod(key, 0o600)
    await writeFile(certificate, own)
    await writeFile(ca, authorities.join(''))
  }
  await write(...texts)
  return { config: { certificate, key, authorities: [ca] }, write }
}
