export {
  type Access,
  type AccessRule,
  accessFrom,
  type Grant,
  grantsFor,
  type RepositoryAction,
  type RuleAction,
  ruleActions,
} from './access.ts'
export { bearerChallenge } from './bearer-challenge.ts'
export { type BearerKeys, derivedKeys, parseKeyFile } from './bearer-keys.ts'
export { type BearerTokens, bearerTokens, type IssuedToken } from './bearer-tokens.ts'
export { callerAt } from './caller.ts'
export { type CiTokens, ciTokens } from './ci-tokens.ts'
export { type Credentials, credentialsIn, shownText } from './credentials.ts'
export { accessOf, type Decision, decide, type Wanted } from './decision.ts'
export { type GivenCaller, type GivenCallers, givenCallers } from './given-callers.ts'
export { isLoopback } from './loopback.ts'
export { type SecretProver, secretProver } from './peer-prover.ts'
export { type AnonymousRights, type ManagerGrant, may, type Principal, type Right } from './principal.ts'
export { type RegistryCallers, registryCallers } from './registry-callers.ts'
export { isOpenToStrangers, registryReaders } from './registry-readers.ts'
export { assertSafeBind, type BindSafety } from './safe-bind.ts'
export { type AccessEntry, accessOfEntries, grantedOf } from './scopes.ts'
export {
  type Authenticate,
  type Identify,
  type SecretAuthenticatorInit,
  type Shown,
  secretAuthenticator,
} from './secret-authenticator.ts'
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
export { type TokenDirectory, tokenDirectory } from './token-directory.ts'
export {
  type NamedToken,
  newToken,
  parseGrant,
  parseTokenFile,
  TOKEN_PREFIX,
  tokenFileText,
  tokenHash,
} from './token-file.ts'
export { type UserDirectory, userDirectory } from './user-directory.ts'
export { type Watched, watched } from './watched.ts'
export { type WatchedFile, watchedFile } from './watched-file.ts'
