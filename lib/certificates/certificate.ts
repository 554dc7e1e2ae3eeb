import {
  createHash,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
  X509Certificate,
} from 'node:crypto'
import { isIP } from 'node:net'
import { AsnConvert, OctetString } from '@peculiar/asn1-schema'
import {
  AlgorithmIdentifier,
  AttributeTypeAndValue,
  AttributeValue,
  AuthorityKeyIdentifier,
  id_ce_authorityKeyIdentifier as authorityKeyId,
  BasicConstraints,
  id_ce_basicConstraints as basicConstraintsId,
  Certificate,
  id_kp_clientAuth as clientAuthId,
  ExtendedKeyUsage,
  Extension,
  Extensions,
  id_ce_extKeyUsage as extKeyUsageId,
  GeneralName,
  KeyIdentifier,
  KeyUsage,
  KeyUsageFlags,
  id_ce_keyUsage as keyUsageId,
  Name,
  RelativeDistinguishedName,
  SubjectAlternativeName,
  SubjectKeyIdentifier,
  SubjectPublicKeyInfo,
  id_kp_serverAuth as serverAuthId,
  id_ce_subjectAltName as subjectAltNameId,
  id_ce_subjectKeyIdentifier as subjectKeyId,
  TBSCertificate,
  Validity,
  Version,
} from '@peculiar/asn1-x509'
import { appError } from '../base/index.ts'

/** A certificate and its private key, in PEM. */
export interface KeyedCertificate {
  readonly certificate: string
  readonly key: string
}

export interface Lifetime {
  readonly fromMs: number
  readonly toMs: number
}

/** Both halves of a key. */
export interface KeyPair {
  readonly publicKey: KeyObject
  readonly privateKey: KeyObject
}

/** An authority that signs certificates: of any kind of key that `algorithmOf` knows. */
export interface Signer {
  readonly certificate: X509Certificate
  readonly key: KeyObject
}

/** Whom and what a certificate is for. */
export interface LeafInit extends Lifetime {
  /** The common name, for people; nobody is trusted by it. At most 64 characters. */
  readonly name: string
  /** Host names and IP addresses: the SAN. At least one. */
  readonly hosts: readonly string[]
  /** Sides of TLS that it is good for; default both. */
  readonly sides?: readonly ('server' | 'client')[]
  /** Default: a new one. */
  readonly keys?: KeyPair
}

const COMMON_NAME = '2.5.4.3'
/** RFC 5280, 4.1.2.2: positive, at most 20 bytes. */
const SERIAL_BYTES = 16

/** A new authority that signs its own certificate; it signs those of hosts, and no further authority. */
export function newAuthority({ name, ...lifetime }: Lifetime & { readonly name: string }): KeyedCertificate {
  const { privateKey, publicKey } = newKeys()
  const subject = nameOf(name)
  const extensions = [
    extension(basicConstraintsId, new BasicConstraints({ cA: true, pathLenConstraint: 0 }), true),
    extension(keyUsageId, new KeyUsage(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign), true),
    extension(subjectKeyId, new SubjectKeyIdentifier(keyIdOf(publicKey))),
  ]
  const certificate = signed({ subject, issuer: subject, publicKey, signer: privateKey, extensions, ...lifetime })
  return { certificate, key: pemOf(privateKey) }
}

/** For one certificate or for many. */
export const newKeys = (): KeyPair => generateKeyPairSync('ec', { namedCurve: 'P-256' })

const usageIds = { server: serverAuthId, client: clientAuthId } as const

/** A certificate of the authority for a key. @throws CONFIG_INVALID when the key of the authority is of an unknown kind */
export function issue(
  authority: Signer,
  { name, hosts, sides = ['server', 'client'], keys = newKeys(), ...lifetime }: LeafInit,
): KeyedCertificate {
  const { privateKey, publicKey } = keys
  const above = AsnConvert.parse(authority.certificate.raw, Certificate).tbsCertificate
  const extensions = [
    extension(basicConstraintsId, new BasicConstraints({ cA: false }), true),
    extension(keyUsageId, new KeyUsage(KeyUsageFlags.digitalSignature), true),
    extension(extKeyUsageId, new ExtendedKeyUsage(sides.map((side) => usageIds[side]))),
    extension(subjectAltNameId, new SubjectAlternativeName(hosts.map(generalName))),
    extension(subjectKeyId, new SubjectKeyIdentifier(keyIdOf(publicKey))),
    extension(authorityKeyId, new AuthorityKeyIdentifier({ keyIdentifier: idOf(above, authority.key) })),
  ]
  const parties = { subject: nameOf(name), issuer: above.subject, publicKey, signer: authority.key }
  return { certificate: signed({ ...parties, extensions, ...lifetime }), key: pemOf(privateKey) }
}

/** As the authority calls its key itself: clients look for it by that. */
function idOf({ extensions }: TBSCertificate, key: KeyObject): KeyIdentifier {
  const own = extensions?.find(({ extnID }) => extnID === subjectKeyId)
  if (own === undefined) return new KeyIdentifier(keyIdOf(createPublicKey(key)))
  return new KeyIdentifier(AsnConvert.parse(own.extnValue.buffer, SubjectKeyIdentifier).buffer)
}

interface Unsigned extends Lifetime {
  readonly subject: Name
  readonly issuer: Name
  readonly publicKey: KeyObject
  readonly signer: KeyObject
  readonly extensions: readonly Extension[]
}

interface Algorithm {
  readonly id: string
  readonly parameters?: ArrayBuffer | null
  readonly digest: 'sha256' | null
}

/** RFC 4055, 5758 and 8410: with RSA the parameters are an ASN.1 NULL, with the others there are none. */
const algorithms: Readonly<Record<string, Algorithm>> = {
  rsa: { id: '1.2.840.113549.1.1.11', parameters: null, digest: 'sha256' },
  ec: { id: '1.2.840.10045.4.3.2', digest: 'sha256' },
  ed25519: { id: '1.3.101.112', digest: null },
}

/** How a key signs certificates. @throws CONFIG_INVALID */
export function algorithmOf({ asymmetricKeyType: kind }: KeyObject): Algorithm {
  const found = algorithms[kind ?? '']
  if (found === undefined) {
    const message = `a key of the kind ${kind ?? 'unknown'} signs no certificates here; take one of EC, RSA or Ed25519`
    throw appError('CONFIG_INVALID', { message })
  }
  return found
}

function signed({ subject, issuer, publicKey, signer, extensions, fromMs, toMs }: Unsigned): string {
  const { id, parameters, digest } = algorithmOf(signer)
  const algorithm = new AlgorithmIdentifier({ algorithm: id, ...(parameters !== undefined && { parameters }) })
  const serial = randomBytes(SERIAL_BYTES)
  // Positive, and without a leading zero byte that DER would not allow.
  serial.writeUInt8((serial.readUInt8(0) & 0x7f) | 0x40, 0)
  const tbsCertificate = new TBSCertificate({
    version: Version.v3,
    serialNumber: Uint8Array.from(serial).buffer,
    signature: algorithm,
    issuer,
    subject,
    validity: new Validity({ notBefore: new Date(fromMs), notAfter: new Date(toMs) }),
    subjectPublicKeyInfo: AsnConvert.parse(publicKey.export({ type: 'spki', format: 'der' }), SubjectPublicKeyInfo),
    extensions: new Extensions([...extensions]),
  })
  const signatureValue = sign(digest, Buffer.from(AsnConvert.serialize(tbsCertificate)), signer)
  const certificate = new Certificate({
    tbsCertificate,
    signatureAlgorithm: algorithm,
    signatureValue: Uint8Array.from(signatureValue).buffer,
  })
  // Node reads it once more: what it cannot read is not handed out.
  return new X509Certificate(Buffer.from(AsnConvert.serialize(certificate))).toString()
}

function nameOf(text: string): Name {
  const value = new AttributeValue({ utf8String: text })
  return new Name([new RelativeDistinguishedName([new AttributeTypeAndValue({ type: COMMON_NAME, value })])])
}

const generalName = (host: string): GeneralName =>
  isIP(host) === 0 ? new GeneralName({ dNSName: host }) : new GeneralName({ iPAddress: host })

function extension(id: string, value: object, critical = false): Extension {
  return new Extension({ extnID: id, critical, extnValue: new OctetString(AsnConvert.serialize(value)) })
}

/** RFC 5280, 4.2.1.2: any hash of the public key that tells keys apart. */
function keyIdOf(publicKey: KeyObject): ArrayBuffer {
  const hash = createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest()
  return Uint8Array.from(hash.subarray(0, 20)).buffer
}

const pemOf = (key: KeyObject): string => key.export({ type: 'pkcs8', format: 'pem' }) as string
