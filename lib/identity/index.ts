export { callerAt } from './caller.ts'
export { isLoopback } from './loopback.ts'
export { type SecretProver, secretProver } from './peer-prover.ts'
export { type AnonymousRights, may, type Principal, type Right } from './principal.ts'
export { isOpenToStrangers, registryReaders } from './registry-readers.ts'
export { assertSafeBind, type BindSafety } from './safe-bind.ts'
export { type Authenticate, type SecretAuthenticatorInit, secretAuthenticator } from './secret-authenticator.ts'
export {
  type AcceptedSecret,
  type SecretName,
  type Secrets,
  type SecretUse,
  type SecretValues,
  secretNames,
  secretsFor,
} from './secrets.ts'
export { tlsOnce } from './tls-files.ts'
export { type TlsIdentity, tlsIdentity } from './tls-identity.ts'
