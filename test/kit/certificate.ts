import { createSign, generateKeyPairSync, type KeyObject, X509Certificate } from 'node:crypto'

/** A key and a self-signed certificate, valid for 127.0.0.1 and as a certificate authority. */
export interface SelfSigned {
  readonly privateKey: KeyObject
  /** PEM. */
  readonly key: string
  /** PEM. */
  readonly certificate: string
  /** Base64, as the header `x5c` of a JSON Web Token needs it. */
  readonly der: string
}

const oid = {
  ecdsaWithSha256: '2a8648ce3d040302',
  commonName: '550403',
  basicConstraints: '551d13',
  keyUsage: '551d0f',
  subjectAltName: '551d11',
  nameConstraints: '551d1e',
} as const

export interface SelfSignedInit {
  readonly name?: string
  /** As an authority, it may sign for names below this one only; default: for all. */
  readonly permitted?: string
}

/** Makes a new one by hand: Node can sign, but has no call that builds a certificate. */
export function selfSigned({ name = 'shoal test', permitted }: SelfSignedInit = {}): SelfSigned {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const algorithm = sequence(objectId(oid.ecdsaWithSha256))
  const who = sequence(der(0x31, sequence(objectId(oid.commonName), der(0x0c, Buffer.from(name)))))
  const toSign = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.from([1])),
    algorithm,
    who,
    sequence(der(0x17, Buffer.from('200101000000Z')), der(0x17, Buffer.from('491231235959Z'))),
    who,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, sequence(...extensions(permitted))),
  )
  const signature = createSign('sha256').update(toSign).sign(privateKey)
  const bytes = sequence(toSign, algorithm, der(0x03, Buffer.from([0]), signature))
  const certificate = new X509Certificate(bytes)
  return {
    privateKey,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
    certificate: certificate.toString(),
    der: certificate.raw.toString('base64'),
  }
}

function extensions(permitted: string | undefined): readonly Buffer[] {
  const yes = der(0x01, Buffer.from([0xff]))
  const extension = (id: string, value: Buffer) => sequence(objectId(id), yes, der(0x04, value))
  return [
    extension(oid.basicConstraints, sequence(yes)),
    // The key may sign certificates and any other data.
    extension(oid.keyUsage, der(0x03, Buffer.from([2, 0x84]))),
    extension(oid.subjectAltName, sequence(der(0x87, Buffer.from([127, 0, 0, 1])))),
    ...(permitted === undefined
      ? []
      : [extension(oid.nameConstraints, sequence(der(0xa0, sequence(der(0x82, Buffer.from(permitted))))))]),
  ]
}

const sequence = (...parts: readonly Buffer[]) => der(0x30, ...parts)
const objectId = (hex: string) => der(0x06, Buffer.from(hex, 'hex'))

function der(tag: number, ...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts)
  const { length } = body
  const head = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...head]), body])
}
