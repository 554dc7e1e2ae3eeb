import { createHash } from 'node:crypto'
import type { PeerId, SwarmId } from '../../../lib/core/index.ts'
import { MAX_ROW, MAX_ROW_NAME } from './rows.ts'

/** One command for redis. */
export type Call = readonly string[]

/** Most rows of a kind that redis keeps of one swarm; the one that would expire first makes room. */
export const MAX_ROWS = 1000
/** Most rows of a kind that are read of one swarm: an answer names 50 peers. */
export const MAX_READ = 100
/**
 * How long redis keeps what it knows of a swarm without news, and that a node has a blob without hearing it again, as long
 * as the node lives.
 */
export const LIFE_MS = 3 * 3_600_000
/** Expired rows that one write removes. */
const MAX_SWEPT = 100
/** Rows of a full swarm that are looked at, to find out which address has many of them. */
const LOOKS = 32

/**
 * Every swarm has its rows in a hash, and their order by the time of expiry in a sorted set; a key of another type is no
 * work of ours and goes. Redis's own clock counts, so that those of the trackers may differ.
 */
const common = `
local function only(key, kind)
  local is = redis.call('TYPE', key).ok
  if is ~= kind and is ~= 'none' then redis.call('UNLINK', key) end
end
local function now()
  local t = redis.call('TIME')
  return t[1] * 1000 + math.floor(t[2] / 1000)
end
local function holder(row)
  local host = row and string.match(row, '^%d (%S+) ') or ''
  if not string.find(host, ':', 1, true) then return host end
  local groups = {}
  for group in string.gmatch(string.match(host, '^(.-)::') or host, '[^:]+') do table.insert(groups, group) end
  while #groups < 4 do table.insert(groups, '0') end
  return table.concat(groups, ':', 1, 4)
end
`

const bodies = {
  /**
   * KEYS order, rows. ARGV name, row, ttl, beginning of the keys of nodes if the rows do not say where their peers are. In a
   * full swarm a row of the address makes room that has most of some random ones, the one that would expire first. Of IPv6
   * an address is the first half.
   */
  put: `
only(KEYS[1], 'zset') only(KEYS[2], 'hash')
local time = now()
redis.call('ZADD', KEYS[1], time + tonumber(ARGV[3]), ARGV[1])
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
local gone = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', time, 'LIMIT', 0, ${MAX_SWEPT})
local over = redis.call('ZCARD', KEYS[1]) - #gone - ${MAX_ROWS}
local function crowding()
  local looked = redis.call('ZRANDMEMBER', KEYS[1], ${LOOKS})
  table.insert(looked, ARGV[1])
  local counts, found, most, first = {}, nil, 0, 0
  local function of(name)
    if ARGV[4] == '' then return holder(redis.call('HGET', KEYS[2], name)) end
    local node = ARGV[4] .. name
    if redis.call('TYPE', node).ok ~= 'string' or redis.call('STRLEN', node) > ${MAX_ROW} then return '' end
    return holder(redis.call('GET', node))
  end
  local whose, seen = {}, {}
  for _, name in ipairs(looked) do
    if not seen[name] then
      seen[name] = true
      whose[name] = of(name)
      counts[whose[name]] = (counts[whose[name]] or 0) + 1
    end
  end
  for name, who in pairs(whose) do
    local ends = tonumber(redis.call('ZSCORE', KEYS[1], name))
    if counts[who] > most or (counts[who] == most and ends < first) then found, most, first = name, counts[who], ends end
  end
  return found
end
if over == 1 then table.insert(gone, crowding()) end
if over > 1 then
  for _, name in ipairs(redis.call('ZRANGE', KEYS[1], #gone, #gone + math.min(over, ${MAX_SWEPT}) - 1)) do table.insert(gone, name) end
end
for _, name in ipairs(gone) do
  redis.call('ZREM', KEYS[1], name)
  redis.call('HDEL', KEYS[2], name)
end
if redis.call('HLEN', KEYS[2]) > ${2 * MAX_ROWS} then redis.call('UNLINK', KEYS[1], KEYS[2]) end
redis.call('PEXPIRE', KEYS[1], ${LIFE_MS})
redis.call('PEXPIRE', KEYS[2], ${LIFE_MS})
return 0`,
  /** KEYS order, rows. ARGV name, the only row to remove, or nothing for any. */
  remove: `
only(KEYS[1], 'zset') only(KEYS[2], 'hash')
if ARGV[2] ~= '' and redis.call('HGET', KEYS[2], ARGV[1]) ~= ARGV[2] then return 0 end
redis.call('ZREM', KEYS[1], ARGV[1])
return redis.call('HDEL', KEYS[2], ARGV[1])`,
  /**
   * KEYS order and rows of downloads, order of seeds. ARGV beginning of the keys of nodes. Returns two lists of name, row,
   * remaining milliseconds. Too long ones are left out here, so that the answer is bounded whatever lies in redis.
   */
  load: `
local time = now()
local function is(key, kind) return redis.call('TYPE', key).ok == kind end
local function newest(key)
  if not is(key, 'zset') then return {} end
  return redis.call('ZREVRANGEBYSCORE', key, '+inf', '(' .. time, 'WITHSCORES', 'LIMIT', 0, ${MAX_READ})
end
local peers, seeds = {}, {}
if is(KEYS[2], 'hash') then
  local found = newest(KEYS[1])
  for i = 1, #found, 2 do
    if #found[i] <= ${MAX_ROW_NAME} then
      local row = redis.call('HGET', KEYS[2], found[i])
      if row and #row <= ${MAX_ROW} then
        table.insert(peers, found[i]) table.insert(peers, row)
        table.insert(peers, math.min(tonumber(found[i + 1]) - time, ${LIFE_MS}))
      end
    end
  end
end
local found = newest(KEYS[3])
for i = 1, #found, 2 do
  local node = ARGV[1] .. found[i]
  if #found[i] <= ${MAX_ROW_NAME} and is(node, 'string') and redis.call('STRLEN', node) <= ${MAX_ROW} then
    table.insert(seeds, found[i]) table.insert(seeds, redis.call('GET', node))
    table.insert(seeds, math.min(redis.call('PTTL', node), ${LIFE_MS}))
  end
end
return {peers, seeds}`,
} as const

type ScriptName = keyof typeof bodies

const sha1 = (text: string) => createHash('sha1').update(text).digest('hex')
const texts = Object.fromEntries(Object.entries(bodies).map(([name, body]) => [name, common + body])) as Readonly<
  Record<ScriptName, string>
>
const hashes = Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, sha1(text)])) as Readonly<
  Record<ScriptName, string>
>

/** Sent once on each connection: from then on redis knows the scripts by their hashes. */
export const scriptLoads: readonly Call[] = Object.values(texts).map((text) => ['SCRIPT', 'LOAD', text])

const run = (script: ScriptName, keys: readonly string[], args: readonly string[]): Call => [
  'EVALSHA',
  hashes[script],
  String(keys.length),
  ...keys,
  ...args,
]

/** The commands of a store whose keys begin with `prefix`; docs/operations.md shows the keys. */
export function storeCalls(prefix: string) {
  const nodes = `${prefix}node:`
  const peerKeys = (id: SwarmId) => [`${prefix}peers:${id}`, `${prefix}peers:${id}:rows`]
  const seedKeys = (id: SwarmId) => [`${prefix}seeds:${id}`, `${prefix}seeds:${id}:rows`]
  const whole = (ms: number) => String(Math.max(1, Math.ceil(ms)))
  return {
    peer: (id: SwarmId, name: string, row: string, ttlMs: number): Call =>
      run('put', peerKeys(id), [name, row, whole(ttlMs), '']),
    noPeer: (id: SwarmId, name: string): Call => run('remove', peerKeys(id), [name, '']),
    /** `writer` is a text of the tracker's own: only who has written a seed last removes it. */
    seed: (id: SwarmId, node: PeerId, writer: string): Call =>
      run('put', seedKeys(id), [node, writer, whole(LIFE_MS), nodes]),
    noSeed: (id: SwarmId, node: PeerId, writer: string): Call => run('remove', seedKeys(id), [node, writer]),
    node: (node: PeerId, row: string, ttlMs: number): Call => ['SET', nodes + node, row, 'PX', whole(ttlMs)],
    drop: (id: SwarmId): Call => ['UNLINK', ...peerKeys(id), ...seedKeys(id)],
    load: (id: SwarmId): Call => run('load', [...peerKeys(id), ...seedKeys(id).slice(0, 1)], [nodes]),
  }
}

export type StoreCalls = ReturnType<typeof storeCalls>
