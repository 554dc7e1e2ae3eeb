export { type Bind, parseBind } from './address.ts'
export { type ConfigSources, loadConfig, parseConfig } from './load-config.ts'
export { parseBytes, parseDuration, parseRate } from './quantities.ts'
export {
  anonymousRights,
  bind,
  byteSize,
  duration,
  listenerOn,
  logLevel,
  member,
  memberList,
  peerAddress,
  rate,
} from './schemas.ts'
