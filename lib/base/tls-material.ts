import { createSecureContext, rootCertificates, type SecureContext } from 'node:tls'

/** PEM texts: what this process shows of itself when it speaks TLS, and whom it trusts. Immutable. */
export interface TlsTexts {
  /** Its certificate and those above it; with its private key, or neither. */
  readonly certificate: string | undefined
  readonly key: string | undefined
  /** Certificates of the authorities that it trusts. */
  readonly authorities: readonly string[]
}

/** Texts that may change while the process runs. */
export interface TlsMaterial {
  /** What counts for connections that begin now: the same object until something has changed. */
  readonly now: TlsTexts
}

const contexts = new WeakMap<TlsTexts, Map<string, SecureContext>>()

/**
 * The context of a connection that goes out, made once for each texts, since it takes milliseconds. It trusts the
 * authorities alone, or without any those of Node; with `publicToo` both.
 */
export function clientContext(
  texts: TlsTexts,
  { publicToo = false }: { readonly publicToo?: boolean | undefined } = {},
): SecureContext {
  const known = contexts.get(texts) ?? new Map<string, SecureContext>()
  contexts.set(texts, known)
  const found = known.get(String(publicToo))
  if (found !== undefined) return found
  const { certificate, key, authorities } = texts
  const ca = publicToo ? [...rootCertificates, ...authorities] : [...authorities]
  const context = createSecureContext({
    ...(certificate !== undefined && key !== undefined && { cert: certificate, key }),
    ...(ca.length > 0 && { ca }),
  })
  known.set(String(publicToo), context)
  return context
}
