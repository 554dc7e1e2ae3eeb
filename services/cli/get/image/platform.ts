import { arch } from 'node:process'
import { appError } from '../../../../lib/base/index.ts'
import type { ChildManifest, Platform } from '../../../../lib/registry/index.ts'

/** Architectures whose names in Node are not those of images. */
const NAMES: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386', ppc64: 'ppc64le' }

/** What an index means when it says no variant, and what somebody means who asks for none. */
const USUAL: Readonly<Record<string, string>> = { arm64: 'v8', arm: 'v7' }

/** The platform whose images this machine runs; elsewhere than on Linux engines run them in a machine of Linux. */
export function ownPlatform(): Platform {
  return { os: 'linux', architecture: NAMES[arch] ?? arch }
}

/** A platform as docker spells it, `linux/arm64` or `linux/arm/v6`. @throws CONFIG_INVALID */
export function platformIn(text: string): Platform {
  const match = /^([a-z0-9_.-]{1,32})\/([a-z0-9_.-]{1,32})(?:\/([a-z0-9_.-]{1,32}))?$/.exec(text)
  const [, os = '', architecture = '', variant] = match ?? []
  if (match === null) throw appError('CONFIG_INVALID', { message: '--platform is like linux/arm64 or linux/arm/v6' })
  return { os, architecture, ...(variant !== undefined && { variant }) }
}

const text = ({ os, architecture, variant }: Platform) => [os, architecture, variant].filter(Boolean).join('/')

const variantOf = ({ architecture, variant }: Platform) => variant ?? USUAL[architecture]

/**
 * The manifest of an index for a platform: the first one of exactly it, else, for who has named no variant, the first of
 * its architecture. @throws MANIFEST_UNKNOWN with what the index has
 */
export function manifestFor(children: readonly ChildManifest[], wanted: Platform): ChildManifest {
  const fit = children.filter(
    ({ platform }) => platform?.os === wanted.os && platform.architecture === wanted.architecture,
  )
  const exact = fit.find(({ platform }) => platform !== undefined && variantOf(platform) === variantOf(wanted))
  const found = exact ?? (wanted.variant === undefined ? fit[0] : undefined)
  if (found !== undefined) return found
  const there = children.flatMap(({ platform }) => (platform === undefined ? [] : [text(platform)]))
  const all = there.length === 0 ? 'none' : [...new Set(there)].slice(0, MAX_NAMED).join(', ')
  throw appError('MANIFEST_UNKNOWN', { message: `the image has nothing for ${text(wanted)}; it has ${all}` })
}

/** Platforms in one message. */
const MAX_NAMED = 20
