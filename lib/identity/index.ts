export { callerAt } from './caller.ts'
export { isLoopback } from './loopback.ts'
export { type SecretProver, secretProver } from './peer-prover.ts'
export { may, type Principal, type Right } from './principal.ts'
export { isOpenToStrangers, registryReaders } from './registry-readers.ts'
export { assertSafeBind, type BindSafety } from './safe-bind.ts'
export {
  type AnonymousRights,
  type Authenticate,
  type TokenAuthenticatorInit,
  tokenAuthenticator,
} from './token-authenticator.ts'
