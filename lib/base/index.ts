export {
  abortable,
  abortController,
  type Deadline,
  deadline,
  throwIfAborted,
  untilAborted,
  WAITS_OF_LIFE,
} from './abort.ts'
export { abortsWith } from './aborts-with.ts'
export { type AgeLinks, AgeList } from './age-list.ts'
export { anySignal } from './any-signal.ts'
export {
  AppError,
  type AppErrorInit,
  appError,
  codeOf,
  hasCode,
  isAbort,
  isAppError,
  lacksFiles,
  toAppError,
} from './app-error.ts'
export { type Background, background } from './background.ts'
export { type BackoffPolicy, backoffMs, type RetryComponents, type RetryOptions, retry } from './backoff.ts'
export { bareHost } from './bare-host.ts'
export { Bitset, inOrder, popCount } from './bitset.ts'
export { type Breaker, type BreakerCall, type BreakerInit, type BreakerVerdict, breaker } from './breaker.ts'
export { type ByteBudget, byteBudget } from './byte-budget.ts'
export { type ByteCache, byteCache } from './byte-cache.ts'
export { isCidr, type NetworkRule, networkRule } from './cidrs.ts'
export { type AbortOptions, type Clock, systemClock, type Timer } from './clock.ts'
export { optimiseLate } from './compile-budget.ts'
export { copyBytes } from './copy-bytes.ts'
export { type CountCache, countCache } from './count-cache.ts'
export { type Deferred, deferred } from './deferred.ts'
export {
  type MakeFolderInit,
  makeFolder,
  makeOwnFolder,
  ownerOnly,
  pruneFolders,
  syncFolder,
  syncFolderIfThere,
} from './durable-folder.ts'
export { type ErrorCode, errorTable, isRegistryCode } from './error-codes.ts'
export type { ErrorPolicy } from './error-policy.ts'
export { type BucketFlow, type FairBucket, fairBucket, tokenBucket } from './fair-bucket.ts'
export { type FakeClock, fakeClock } from './fake-clock.ts'
export { type FreshLooks, type FreshLooksInit, freshLooks } from './fresh-looks.ts'
export { collectGarbage } from './garbage-collection.ts'
export { type Holders, holders } from './holders.ts'
export { inTurns } from './in-turns.ts'
export { type KeyedLock, keyedLock } from './keyed-lock.ts'
export { lifecycle, type Startable } from './lifecycle.ts'
export { nearest } from './nearest.ts'
export { nextTurn } from './next-turn.ts'
export { onAbort } from './on-abort.ts'
export { type OncePerTurn, oncePerTurn } from './once-per-turn.ts'
export { openFileLimit } from './open-files.ts'
export { bothInOrder, OrderedKeys } from './ordered-keys.ts'
export { parseJson } from './parse-json.ts'
export { type LinearPattern, linearPattern } from './pattern/linear-pattern.ts'
export { starPattern } from './pattern/star-pattern.ts'
export { endedBySignals, type ProcessHost, processHost } from './process-host.ts'
export { type Liveness, livenessOf, ownIdentity, type ProcessIdentity } from './process-identity.ts'
export {
  type FoundLock,
  type HeldLock,
  type LockPolicy,
  type ProcessLocks,
  type ProcessLocksComponents,
  processLocks,
} from './process-lock.ts'
export { type ProvenCache, provenCache } from './proven-cache.ts'
export {
  type BalancerTrust,
  type ProxyDoor,
  type ProxyEntrance,
  type ProxyRefusal,
  proxyDoor,
} from './proxy-door.ts'
export { MAX_PROXY_HEADER, type ProxyHeader, parseProxyHeader, type RemoteEnd } from './proxy-header.ts'
export { type Random, seededRandom, shuffled, systemRandom } from './random.ts'
export { readAhead } from './read-ahead.ts'
export { type RefusedKeys, refusedKeys } from './refused-keys.ts'
export { carryRemote, remoteAddressOf, remoteEndOf } from './remote-end.ts'
export { type Rounds, type RoundsInit, rounds } from './rounds.ts'
export { type SharedBlocks, sharedBlocks } from './shared-blocks.ts'
export { type SingleFlight, singleFlight } from './single-flight.ts'
export { type Slots, slots } from './slots.ts'
export { openNewFile, readLinked, readSmall, replaceFile } from './small-file.ts'
export {
  type ClientCertificates,
  type TlsDoor,
  type TlsDoorEvents,
  type TlsDoorInit,
  type TlsGuest,
  tlsDoor,
} from './tls-door.ts'
export { clientContext, type TlsMaterial, type TlsTexts } from './tls-material.ts'
export type { TokenBucket } from './token-bucket.ts'
export { untilGranted } from './until-granted.ts'
export { type WeightedTurns, weightedTurns } from './weighted-turns.ts'
export { type Alarm, type Wheel, wheel } from './wheel.ts'
export { readFully, writeFully } from './whole-io.ts'
