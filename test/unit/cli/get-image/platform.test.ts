import { expect, test } from '@jest/globals'
import { digestOf } from '../../../../lib/core/index.ts'
import { manifestFor, platformIn } from '../../../../services/cli/get/image/platform.ts'

const child = (text: string) => ({
  ...{ digest: digestOf(Buffer.from(text)), size: 1, mediaType: text },
  platform: text === 'unknown' ? undefined : platformIn(text),
})
const children = [
  'unknown',
  'linux/arm/v6',
  'linux/s390x',
  'linux/amd64',
  'linux/arm/v7',
  'windows/amd64',
  'linux/arm64/v8',
].map(child)

test.each([
  ['linux/amd64', 'linux/amd64'],
  ['linux/s390x', 'linux/s390x'],
  ['windows/amd64', 'windows/amd64'],
  ['linux/arm', 'linux/arm/v7'],
  ['linux/arm/v6', 'linux/arm/v6'],
  ['linux/arm64', 'linux/arm64/v8'],
  ['linux/arm64/v8', 'linux/arm64/v8'],
])('of an index for several platforms: %s', (wanted, found) => {
  expect(manifestFor(children, platformIn(wanted)).mediaType).toBe(found)
})

test('a platform that the index lacks is told with those that it has', () => {
  const lacking = () => manifestFor(children, platformIn('linux/arm/v5'))
  expect(lacking).toThrow(
    expect.objectContaining({ code: 'MANIFEST_UNKNOWN', message: expect.stringContaining('linux/arm/v6') }),
  )
  expect(manifestFor(children.slice(0, 2), platformIn('linux/arm')).mediaType).toBe('linux/arm/v6')
  expect(() => platformIn('linux')).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }))
})
