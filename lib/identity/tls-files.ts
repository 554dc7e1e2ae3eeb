import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { appError, type Clock, type TlsMaterial, type TlsTexts } from '../base/index.ts'
import { refuseReadable } from '../config/index.ts'

/** Where the PEM files are. */
export interface TlsFiles {
  /** The own certificate first, then those above it. */
  readonly certificate?: string | undefined
  /** Of that certificate; only its owner and its group may read it. */
  readonly key?: string | undefined
  /** Each holds one authority or more; all of them are trusted. */
  readonly authorities: readonly string[]
}

/** Texts that fit together, and until when they count. */
export interface CheckedTexts extends TlsTexts {
  /** When the first certificate of ours ends, epoch milliseconds; undefined without one. */
  readonly expiresMs: number | undefined
}

const unfit = (message: string, cause?: unknown) => appError('CONFIG_INVALID', { message: `tls: ${message}`, cause })

/** Reads all of the files. @throws CONFIG_INVALID naming the one that cannot be read, or that others may read */
export async function readTls({ certificate, key, authorities }: TlsFiles): Promise<TlsTexts> {
  if (key !== undefined) await refuseReadable(key, 'the key')
  const [own, secret, ...trusted] = await Promise.all([textOf(certificate), textOf(key), ...authorities.map(textOf)])
  return Object.freeze({ certificate: own, key: secret, authorities: trusted.flatMap((text) => text ?? []) })
}

async function textOf(file: string | undefined): Promise<string | undefined> {
  if (file === undefined) return undefined
  try {
    return await readFile(file, 'utf8')
  } catch (err) {
    throw unfit(`cannot read ${file}; check the path and its rights`, err)
  }
}

/** Whether the texts can be used together now. @throws CONFIG_INVALID saying why not */
export function checkedTls(texts: TlsTexts, files: TlsFiles, nowMs: number): CheckedTexts {
  for (const authority of texts.authorities.flatMap((text) => certificatesIn(text, 'an authority'))) {
    if (!authority.ca) throw unfit(`${authority.subject} stands in authorities and is no certificate authority`)
  }
  const { certificate, key } = texts
  if (certificate === undefined || key === undefined) return { ...texts, expiresMs: undefined }
  return { ...texts, expiresMs: endOf({ certificate, key }, files, nowMs) }
}

/** When the own certificate ends, epoch milliseconds. @throws CONFIG_INVALID when it is not valid now, or has another key */
function endOf(own: Readonly<Record<'certificate' | 'key', string>>, files: TlsFiles, nowMs: number): number {
  const { certificate: file = 'the certificate', key: keyFile = 'the key' } = files
  const [leaf] = certificatesIn(own.certificate, file)
  if (leaf?.checkPrivateKey(keyIn(own.key, keyFile)) !== true)
    throw unfit(`the key ${keyFile} is not that of the certificate ${file}`)
  const [fromMs, toMs] = [Date.parse(leaf.validFrom), Date.parse(leaf.validTo)]
  if (toMs <= nowMs) throw unfit(`the certificate ${file} has ended on ${leaf.validTo}; renew it`)
  if (fromMs > nowMs) throw unfit(`the certificate ${file} begins on ${leaf.validFrom}; check the clock`)
  return toMs
}

/** For a program that ends soon: reads the files once. Undefined when there are none. @throws CONFIG_INVALID */
export async function tlsOnce(clock: Pick<Clock, 'now'>, files: TlsFiles): Promise<TlsMaterial | undefined> {
  if (files.certificate === undefined && files.authorities.length === 0) return undefined
  return { now: checkedTls(await readTls(files), files, clock.now()) }
}

const block = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g

function certificatesIn(text: string, name: string): readonly X509Certificate[] {
  const found = text.match(block) ?? []
  if (found.length === 0) throw unfit(`${name} holds no certificate in PEM`)
  try {
    return found.map((pem) => new X509Certificate(pem))
  } catch (err) {
    throw unfit(`${name} holds a certificate that cannot be read`, err)
  }
}

function keyIn(text: string, name: string): KeyObject {
  try {
    return createPrivateKey(text)
  } catch (err) {
    throw unfit(`${name} holds no private key in PEM without a password`, err)
  }
}
