import type { IncomingMessage } from 'node:http'
import { appError, type LinearPattern, linearPattern, starPattern } from '../../../lib/base/index.ts'
import {
  classOfLevel,
  type Digest,
  isHigherClass,
  lowerClass,
  type PullClass,
  type PullTerms,
  type Repository,
  repositoryText,
} from '../../../lib/core/index.ts'
import type { Exchange } from '../../../lib/http/index.ts'
import type { BlockRule, ClassRule, PullRulesConfig } from '../../../lib/service/index.ts'
import type { Metrics } from '../../../lib/telemetry/index.ts'
import type { AgentConfig } from '../config.ts'

/** Who pulls. */
export interface Puller extends Pick<Exchange, 'principal'> {
  readonly req: Pick<IncomingMessage, 'headers'>
}

/** What is pulled. */
export interface PullSubject {
  readonly repository?: Repository | undefined
  /** Of a blob, or of a manifest that is asked for by it. */
  readonly digest?: Digest | undefined
  /** Of an image that is asked for by its tag. */
  readonly tag?: string | undefined
  /** Without its query. */
  readonly url?: string | undefined
}

/** How pulls count beside each other, and which are refused; what counts may be replaced while it runs. */
export interface PullRules {
  readonly now: PullRulesConfig
  set(rules: PullRulesConfig): void
  /** @throws PULL_BLOCKED with the name of the rule */
  readonly admit: (puller: Puller, subject: PullSubject) => PullTerms
}

export interface PullRulesInit extends Pick<AgentConfig['registry'], 'priorityHeader' | 'applicationHeader'> {
  readonly rules: PullRulesConfig
}

/** What of a pull the rules look at. */
interface Facts {
  readonly application: string | undefined
  readonly caller: string
  readonly repository: string | undefined
  readonly digest: Digest | undefined
  readonly tag: string | undefined
  readonly url: string | undefined
}

type Matcher = (facts: Facts) => boolean

interface Compiled {
  readonly classes: readonly { readonly fits: Matcher; readonly pullClass: PullClass; readonly isClaimed: boolean }[]
  readonly blocks: readonly {
    readonly fits: Matcher
    readonly name: string
    readonly classes: BlockRule['priorities']
  }[]
}

/** An application has a name of this form; another one counts as none. */
const APPLICATION = /^[\w.:@/-]{1,64}$/
/** Longest URL that rules look at; a longer one fits none. */
const MAX_URL = 2048

export function pullRules({ metrics }: { readonly metrics: Metrics }, init: PullRulesInit): PullRules {
  const admitted = metrics.counter(
    { name: 'shoal_pulls_admitted_total', help: 'Requests of clients for manifests and blobs, by class.' },
    ['class'],
  )
  const blocked = metrics
    .counter({
      name: 'shoal_pulls_blocked_total',
      help: 'Requests of clients that a rule of pulls.blocks has refused.',
    })
    .with({})
  let now = init.rules
  let compiled = compile(now)

  /** What the client says of its priority; the levels that clients send who were told nothing say nothing. */
  const wordOf = (req: Puller['req']): PullClass | undefined => {
    const text = said(req, init.priorityHeader)
    const level = /^\d{1,2}$/.test(text) ? classOfLevel(Number(text)) : undefined
    return level === 'normal' ? undefined : level
  }

  const classOf = (facts: Facts, word: PullClass | undefined): PullClass => {
    const { clientMax } = now
    const rule = compiled.classes.find(({ fits }) => fits(facts))
    if (rule === undefined) return word === undefined ? 'normal' : lowerClass(word, clientMax)
    const given = rule.isClaimed ? lowerClass(rule.pullClass, clientMax) : rule.pullClass
    return word !== undefined && isHigherClass(given, word) ? word : given
  }

  return {
    get now() {
      return now
    },
    set(rules) {
      compiled = compile(rules)
      now = rules
    },
    admit({ req, principal }, { repository, digest, tag, url }) {
      const text = said(req, init.applicationHeader)
      const application = APPLICATION.test(text) ? text : undefined
      const where = repository && repositoryText(repository)
      const facts = { application, caller: principal.name, repository: where, digest, tag, url }
      const pullClass = classOf(facts, wordOf(req))
      const rule = compiled.blocks.find(({ fits, classes }) => fits(facts) && classes?.includes(pullClass) !== false)
      if (rule !== undefined) {
        blocked.add()
        throw appError('PULL_BLOCKED', {
          message: `the rule ${rule.name} of this agent refuses this pull`,
          detail: { rule: rule.name },
        })
      }
      admitted.with({ class: pullClass }).add()
      return { pullClass, application }
    },
  }
}

function said({ headers }: Puller['req'], header: string): string {
  const value = headers[header.toLowerCase()]
  return typeof value === 'string' ? value.trim() : ''
}

/** @throws CONFIG_INVALID for a wrong pattern */
function compile({ rules, blocks }: PullRulesConfig): Compiled {
  return {
    classes: rules.map((rule) => ({
      fits: matcher(rule),
      pullClass: rule.priority,
      // Who says what he pulls for is believed no more than who says how important it is.
      isClaimed: rule.applications !== undefined && rule.callers === undefined,
    })),
    blocks: blocks.map((rule) => ({ fits: matcher(rule), name: rule.name, classes: rule.priorities })),
  }
}

function matcher(rule: ClassRule | BlockRule): Matcher {
  const named = (patterns: readonly string[] | undefined) => patterns?.map(starPattern)
  const [applications, callers, repositories] = [rule.applications, rule.callers, rule.repositories].map(named)
  const tags = named('tags' in rule ? rule.tags : undefined)
  const urls = rule.urls?.map(linearPattern)
  const digests = 'digests' in rule ? new Set(rule.digests) : undefined
  return ({ application, caller, repository, digest, tag, url }) =>
    (digests === undefined || (digest !== undefined && digests.has(digest))) &&
    fitsOne(applications, application) &&
    fitsOne(callers, caller) &&
    fitsOne(repositories, repository) &&
    fitsOne(tags, tag) &&
    fitsOne(urls, url !== undefined && url.length <= MAX_URL ? url : undefined)
}

/** A list that is not there asks for nothing. */
function fitsOne(patterns: readonly LinearPattern[] | undefined, text: string | undefined): boolean {
  if (patterns === undefined) return true
  return text !== undefined && patterns.some((pattern) => pattern.fits(text))
}
