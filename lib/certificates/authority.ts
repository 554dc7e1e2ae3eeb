import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { AsnConvert } from '@peculiar/asn1-schema'
import { Certificate, KeyUsage, KeyUsageFlags, id_ce_keyUsage as keyUsageId } from '@peculiar/asn1-x509'
import { appError } from '../base/index.ts'
import { algorithmOf, type Signer } from './certificate.ts'
import { namesPermitted } from './name-constraints.ts'

/** An authority of somebody else, with which certificates of hosts are signed. */
export interface SigningAuthority extends Signer {
  /** Its certificate, and those above it, in PEM. */
  readonly chain: string
  /** Epoch milliseconds. */
  readonly fromMs: number
  readonly toMs: number
  /** Whether its certificate lets it sign for this name, or address without brackets. */
  permits(host: string): boolean
}

const unfit = (message: string, cause?: unknown) => appError('CONFIG_INVALID', { message, cause })

const block = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/

/**
 * Reads an authority from PEM texts; the certificate of the authority stands first.
 * @throws CONFIG_INVALID saying why they cannot sign certificates of hosts now
 */
export function signingAuthority(
  { certificate: text, key: keyText }: { readonly certificate: string; readonly key: string },
  nowMs: number,
): SigningAuthority {
  const certificate = certificateIn(text)
  const key = keyIn(keyText)
  if (!certificate.ca) throw unfit('it is no certificate of an authority (basicConstraints without cA)')
  const { extensions } = AsnConvert.parse(certificate.raw, Certificate).tbsCertificate
  const usage = extensions?.find(({ extnID }) => extnID === keyUsageId)
  // Without the extension its key is for everything (RFC 5280, 4.2.1.3).
  if (usage !== undefined && !maySign(usage.extnValue.buffer))
    throw unfit('its key may sign no certificates (keyUsage without keyCertSign)')
  if (!certificate.checkPrivateKey(key)) throw unfit('the key is not that of the certificate')
  algorithmOf(key)
  const [fromMs, toMs] = [Date.parse(certificate.validFrom), Date.parse(certificate.validTo)]
  if (toMs <= nowMs) throw unfit(`it has ended on ${certificate.validTo}; renew it`)
  if (fromMs > nowMs) throw unfit(`it begins on ${certificate.validFrom}; check the clock`)
  return { certificate, key, chain: text, fromMs, toMs, permits: namesPermitted(extensions) }
}

const maySign = (der: ArrayBuffer): boolean =>
  (AsnConvert.parse(der, KeyUsage).toNumber() & KeyUsageFlags.keyCertSign) !== 0

function certificateIn(text: string): X509Certificate {
  const pem = block.exec(text)?.[0]
  if (pem === undefined) throw unfit('there is no certificate in PEM')
  try {
    return new X509Certificate(pem)
  } catch (err) {
    throw unfit('its certificate cannot be read', err)
  }
}

function keyIn(text: string): KeyObject {
  try {
    return createPrivateKey(text)
  } catch (err) {
    throw unfit('there is no private key in PEM without a password', err)
  }
}
