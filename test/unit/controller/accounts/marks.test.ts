import { describe, expect, test } from '@jest/globals'
import { ADOPT, controlPlaneOf } from '../../../../services/controller/accounts/resource/control-plane.ts'
import {
  claimOn,
  labelsOf,
  namespaceOf,
  OWNER,
  RELEASED,
} from '../../../../services/controller/accounts/rules/marks.ts'
import { planeSpec } from '../../../kit/accounts/accounts-lab.ts'

const plane = { namespace: 'home', name: 'acme', uid: 'uid-1', adopts: undefined }
const named = (name: string, spec: unknown = planeSpec()) =>
  controlPlaneOf({ metadata: { name, namespace: 'home' }, spec })

describe('the namespace of an account', () => {
  test.each([
    ['a', 'home'],
    ['a'.repeat(40), 'home'],
    [`${'a'.repeat(30)}-`.padEnd(40, '-b'), 'h'.repeat(63)],
  ])('is a label of DNS for %s in %s', (name, namespace) => {
    for (const prefix of ['shoal', 'p'.repeat(16)])
      expect(namespaceOf(prefix, { name, namespace })).toMatch(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/)
  })

  test('is another one for each resource, also where names only seem the same', () => {
    const places = [
      { namespace: 'home', name: 'acme' },
      { namespace: 'other', name: 'acme' },
      { namespace: 'home', name: 'acme-1' },
      { namespace: 'home-acme', name: '1' },
      { namespace: 'home', name: `${'a'.repeat(39)}b` },
      { namespace: 'home', name: `${'a'.repeat(39)}c` },
    ]
    expect(new Set(places.map((place) => namespaceOf('shoal', place))).size).toBe(places.length)
    expect(namespaceOf('shoal', plane)).toBe(namespaceOf('shoal', plane))
  })

  test.each([
    ['ours', labelsOf(plane), 'home/acme', {}],
    ['ending', labelsOf(plane), 'home/acme', { deletionTimestamp: '2026-01-01T00:00:00Z' }],
    ['released', { ...labelsOf({ ...plane, uid: 'old' }), [RELEASED]: 'true' }, 'home/acme', {}],
    ['foreign', { ...labelsOf({ ...plane, uid: 'old' }) }, 'home/acme', {}],
    ['foreign', { ...labelsOf(plane), [RELEASED]: 'true' }, 'other/acme', {}],
    ['foreign', labelsOf(plane), undefined, {}],
    ['foreign', { team: 'x' }, 'home/acme', {}],
    ['foreign', undefined, undefined, {}],
  ])('is %s with labels %j of %s', (claim, labels, owner, more) => {
    const annotations = owner === undefined ? undefined : { [OWNER]: owner }
    expect(claimOn({ metadata: { name: 'x', labels, annotations, ...more } }, plane)).toBe(claim)
  })
})

describe('a namespace with the marks of a released one', () => {
  const marks = {
    labels: { ...labelsOf({ ...plane, uid: 'old' }), [RELEASED]: 'true' },
    annotations: { [OWNER]: 'home/acme' },
  }

  test.each([
    ['adopt', 'uid-of-namespace', 'uid-of-namespace'],
    ['released', 'uid-of-copy', 'uid-of-namespace'],
    ['released', 'uid-of-copy', undefined],
    ['released', undefined, undefined],
  ])('is %s with the uid %s when the resource takes back %s', (claim, uid, adopts) => {
    expect(claimOn({ metadata: { ...marks, uid } }, { ...plane, adopts })).toBe(claim)
  })

  test('is taken back by its uid alone, which stands in an annotation', () => {
    const of = (annotations: unknown) =>
      controlPlaneOf({ metadata: { name: 'acme', namespace: 'home', annotations }, spec: planeSpec() } as never).adopts
    expect(of({ [ADOPT]: 'u' })).toBe('u')
    for (const none of [undefined, {}, { [ADOPT]: '' }]) expect(of(none)).toBeUndefined()
  })
})

describe('what a resource asks for', () => {
  test.each([
    ['a'.repeat(41), planeSpec(), /label of DNS/],
    ['a.b', planeSpec(), /label of DNS/],
    ['A', planeSpec(), /label of DNS/],
    ['ok', planeSpec({ extra: 1 }), /spec: Unrecognized key: "extra"/],
    ['ok', planeSpec({ version: '1\n2' }), /spec.version: it is no tag/],
    [
      'ok',
      planeSpec({ network: { allowedCidrs: ['300.0.0.0/8'] } }),
      /spec.network.allowedCidrs.0: 300.0.0.0\/8 is no network/,
    ],
    [
      'ok',
      planeSpec({ backend: { ...planeSpec().backend, endpoint: 'https://x:70000' } }),
      /spec.backend.endpoint: it is no URL/,
    ],
    ['ok', planeSpec({ origins: { memory: '-1Gi' } }), /spec.origins.memory/],
    ['ok', {}, /spec.version.*spec.backend/],
    ['ok', null, /spec.version/],
  ])('of the name %s is refused in words', (name, spec, words) => {
    expect(named(name, spec).spec).toEqual(expect.stringMatching(words))
  })

  test('is known to be deleted with its data, and paused, also when the rest cannot be read', () => {
    expect(named('ok', { deletionPolicy: 'Delete', paused: true })).toMatchObject({ deletesData: true, paused: true })
  })
})
