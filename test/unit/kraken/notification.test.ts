import { describe, expect, test } from '@jest/globals'
import { repositoryText } from '../../../lib/core/index.ts'
import { pushedImages } from '../../../lib/kraken/index.ts'

const digest = `sha256:${'ab'.repeat(32)}`
const mediaType = 'application/vnd.docker.distribution.manifest.v2+json'
const event = (over: object = {}, target: object = {}) => ({
  action: 'push',
  target: { mediaType, digest, repository: 'team/app', ...target },
  ...over,
})
const told = (body: unknown) => {
  const { manifests, malformed } = pushedImages(body)
  return [manifests.map((blob) => `${repositoryText(blob.repository)}@${blob.digest}`), malformed]
}

describe('the pushed images of a notification', () => {
  test.each([
    [{ events: [event()] }],
    [{ Events: [{ Action: 'push', Target: { MediaType: mediaType, Digest: digest, Repository: 'team/app' } }] }],
    [{ EVENTS: [{ aCTION: 'Push', TARGET: { MEDIATYPE: mediaType, DIGEST: digest, REPOSITORY: 'team/app' } }] }],
  ])('counts what a registry tells of, whatever the case of its keys', (body) => {
    expect(told(body)).toEqual([[`team/app@${digest}`], 0])
  })

  test.each([
    'application/vnd.docker.distribution.manifest.v1+prettyjws',
    'application/vnd.docker.distribution.manifest.list.v2+json',
    'application/vnd.oci.image.manifest.v1+json',
    'application/vnd.oci.image.index.v1+json',
  ])('counts a manifest of type %s', (type) => {
    expect(told({ events: [event({}, { mediaType: type })] })).toEqual([[`team/app@${digest}`], 0])
  })

  test.each([
    [event({ action: 'pull' })],
    [event({}, { mediaType: 'application/octet-stream' })],
    [event({}, { mediaType: 'application/vnd.docker.image.rootfs.diff.tar.gzip' })],
    [event({ target: null })],
    [{}],
  ])('leaves out %j', (other) => {
    expect(told({ events: [other, event()] })).toEqual([[`team/app@${digest}`], 0])
  })

  test.each([{ digest: 'sha256:no' }, { digest: null }, { repository: 'No/good' }, { repository: '' }])(
    'counts as malformed %j',
    (target) => {
      expect(told({ events: [event({}, target), event()] })).toEqual([[`team/app@${digest}`], 1])
    },
  )

  test('are none where there are no events', () => {
    for (const body of [{}, { events: null }, { events: [] }]) expect(told(body)).toEqual([[], 0])
  })

  test.each([
    [7],
    [null],
    [[]],
    [{ events: {} }],
    [{ events: [7] }],
    [{ events: [event({ action: 7 })] }],
    [{ events: Array.from({ length: 1001 }, () => event()) }],
  ])('are not read from what is no notification', (body) => {
    expect(() => pushedImages(body)).toThrow(expect.objectContaining({ code: 'BODY_INVALID' }))
  })
})
