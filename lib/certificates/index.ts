export { type SigningAuthority, signingAuthority } from './authority.ts'
export { issue, type KeyedCertificate, newAuthority, newKeys } from './certificate.ts'
