import { z } from 'zod'
import { contentDigest, pathPattern, repositoryPattern } from '../config/index.ts'
import { classOfLevel, MAX_PULL_LEVEL, pullClasses } from '../core/index.ts'

/** Most rules of each kind, and most patterns of one list of a rule. */
const MOST_RULES = 200
const MOST_PATTERNS = 32
/** Most digests of one rule. */
const MOST_DIGESTS = 1000
/** Longest pattern for the name of an application, a caller or a tag, and for a repository. */
const MAX_NAME = 64
const MAX_REPOSITORY = 255

const some = <T extends z.ZodType>(item: T) => z.array(item).min(1).max(MOST_PATTERNS)

/** `*` stands for any characters. */
const namePattern = z
  .string()
  .max(MAX_NAME)
  .regex(/^[\w.:@/*-]+$/, 'letters, digits, ".", "_", "-", ":", "@", "/", and "*" for any characters')

/** A class, or a level of Dragonfly's. */
const priority = z
  .union([z.enum(pullClasses), z.int().min(1).max(MAX_PULL_LEVEL)])
  .transform((value) => (typeof value === 'number' ? (classOfLevel(value) ?? 'normal') : value))

/** Which pulls are meant: those that fit each list that is there, in one of its patterns. */
const about = {
  /** What the client says that it pulls for. */
  applications: some(namePattern).exactOptional(),
  /** Who calls, as the access log names him. */
  callers: some(namePattern).exactOptional(),
  repositories: some(repositoryPattern.max(MAX_REPOSITORY)).exactOptional(),
  /** Of what lies under URLs, and of what is forwarded: the whole URL without its query. */
  urls: some(pathPattern).exactOptional(),
}

const isAny = (rule: object) => Object.values(rule).some((value) => Array.isArray(value) && value.length > 0)
const ANY = 'a rule says which pulls it is about'

const classRule = z.strictObject({ ...about, priority }).refine(isAny, ANY)

const block = z
  .strictObject({
    /** What a client is told that is refused. */
    name: z.string().regex(/^[\w.-]{1,64}$/, 'letters, digits, ".", "_" and "-", at most 64'),
    ...about,
    /** Tags of images; what is asked for by its digest has none. */
    tags: some(namePattern).exactOptional(),
    /** Of blobs, and of manifests that are asked for by their digest. */
    digests: z.array(contentDigest).min(1).max(MOST_DIGESTS).exactOptional(),
    priorities: some(priority).exactOptional(),
  })
  .refine(isAny, ANY)

/** The config keys below `pulls` of an agent, without their defaults: how pulls count beside each other, and which are refused. */
export const pullKeys = {
  /** How far a client's own word raises a pull: what it says by a header, of its priority or of its application. */
  clientMax: z.enum(['normal', 'high']),
  /** The class of a pull; the first rule that fits counts. */
  rules: z.array(classRule).max(MOST_RULES),
  /** Pulls that are refused, with the name of the first rule that fits. */
  blocks: z
    .array(block)
    .max(MOST_RULES)
    .refine((all) => new Set(all.map(({ name }) => name)).size === all.length, 'two rules have the same name'),
}

export const pullRulesSchema = z
  .strictObject({
    clientMax: pullKeys.clientMax.default('normal'),
    rules: pullKeys.rules.prefault([]),
    blocks: pullKeys.blocks.prefault([]),
  })
  .prefault({})

export type PullRulesConfig = z.output<typeof pullRulesSchema>
export type ClassRule = PullRulesConfig['rules'][number]
export type BlockRule = PullRulesConfig['blocks'][number]
