export { type Bind, parseBind } from './address.ts'
export { type ConfigSources, loadConfig, parseConfig, parseConfigText, refuseReadable } from './load-config.ts'
export { deepMerge, type Tree, treeAt } from './merge.ts'
export { parseBytes, parseDuration, parseRate } from './quantities.ts'
export { contentDigest, repositoryPattern } from './repository-pattern.ts'
export {
  anonymousRights,
  baseUrl,
  byteSize,
  duration,
  hostName,
  listenerOff,
  listenerOn,
  logLevel,
  type MemberSources,
  memberList,
  membersOrSource,
  namedListener,
  networkMembers,
  networkName,
  peerAddress,
  peerListenerOn,
  rate,
  secretText,
  secretValues,
  storePassword,
  storeUser,
  tlsFiles,
  tracingKeys,
} from './schemas.ts'
export { upstreamWayKeys } from './upstream-keys.ts'
export { hostPattern, pathPattern, portList } from './web-patterns.ts'
