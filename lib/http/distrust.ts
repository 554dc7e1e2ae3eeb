import { codeOf } from '../base/index.ts'

/** What the codes of OpenSSL about certificates begin with, as Node gives them. */
const aboutCertificates =
  /^(?:CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH_|ERR_TLS_CERT)/

const PLAIN = ['ERR_SSL_WRONG_VERSION_NUMBER', 'ERR_SSL_PACKET_LENGTH_TOO_LONG', 'ERR_SSL_HTTP_REQUEST']

/**
 * Why the TLS handshake of a client failed, and what to do about it; undefined when the connection failed for another
 * reason.
 */
export function distrustIn(err: unknown): string | undefined {
  const code = codeOf(err) ?? ''
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return 'its certificate is for another host; issue one whose SAN names the host in the URL'
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID')
    return 'its certificate is not valid now; renew it, or set the clock'
  if (aboutCertificates.test(code))
    return `its certificate is of no authority that is trusted here (${code}); add that to tls.authorities`
  if (PLAIN.includes(code)) return 'it speaks no TLS; call it by http://, or give it tls.certificate'
  return code.startsWith('ERR_SSL_') ? `it refused the handshake (${code})` : undefined
}
