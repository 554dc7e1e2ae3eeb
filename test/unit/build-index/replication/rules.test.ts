import { describe, expect, test } from '@jest/globals'
import { digestFromHex, parseRepository, parseTag } from '../../../../lib/core/index.ts'
import { matcher, ruleHash, signatureTags, signedBy } from '../../../../services/build-index/replication/rules.ts'

const hex = 'ab'.repeat(32)

describe('rules', () => {
  test.each([
    [{ repository: 'team/*', tag: '*' }, ['team/app', 'latest'], true],
    [{ repository: 'team/*', tag: 'v*' }, ['team/app', 'latest'], false],
    [{ repository: 'team/*', tag: 'v*.0' }, ['team/app', 'v1.0'], true],
    [{ repository: 'team', tag: '*' }, ['team/app', 'v1'], false],
    [{ repository: 'team/*', tag: '*' }, ['my/team/app', 'v1'], false],
    [{ repository: '*', tag: '*' }, ['docker.io/library/nginx', '1.27'], true],
    [{ repository: 'team.app', tag: '*' }, ['teamxapp', 'v1'], false],
  ] as const)('a pattern fits the whole name: %j and %j', (rule, [place, name], fits) => {
    expect(matcher(rule).fits(parseRepository(place), parseTag(name))).toBe(fits)
  })

  test('a rule has its own mark for each remote, and another one when the remote is at another place', () => {
    const rule = { repository: '*', tag: '*' }
    const owner = { name: 'a', urls: ['http://one', 'http://two'], signatures: true }
    const marks = [
      ruleHash(owner, rule),
      ruleHash({ ...owner, name: 'b' }, rule),
      ruleHash({ ...owner, urls: ['http://one'] }, rule),
      ruleHash({ ...owner, signatures: false }, rule),
      ruleHash(owner, { ...rule, tag: 'v*' }),
    ]
    expect(new Set(marks).size).toBe(5)
    expect(ruleHash({ ...owner, urls: owner.urls.toReversed() }, rule)).toBe(marks[0])
  })
})

describe('signatures', () => {
  test('are found by the digest, and name the digest', () => {
    const tags = signatureTags(digestFromHex('sha256', hex))
    expect(tags).toEqual([`sha256-${hex}`, `sha256-${hex}.sig`, `sha256-${hex}.att`, `sha256-${hex}.sbom`])
    for (const tag of tags) expect(signedBy(tag)).toBe(`sha256:${hex}`)
  })

  test('of a long digest have a tag that is not too long', () => {
    expect(signatureTags(digestFromHex('sha512', hex + hex))[1]).toBe(`sha512-${hex}.sig`)
  })

  test.each(['latest', `sha256-${hex}.zip`, `sha256-${hex.slice(2)}.sig`, `md5-${hex}`])('%s is none', (tag) => {
    expect(signedBy(parseTag(tag))).toBeUndefined()
  })
})
