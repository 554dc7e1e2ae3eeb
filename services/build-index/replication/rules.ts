import { createHash } from 'node:crypto'
import { starPattern } from '../../../lib/base/index.ts'
import {
  type Digest,
  digestAlgorithm,
  digestFromHex,
  digestHex,
  parseTag,
  type Repository,
  repositoryText,
  type Tag,
} from '../../../lib/core/index.ts'

/** Which tags go to a remote: `*` matches any characters, or none. */
export interface TagRule {
  /** Over the text form of repositories. */
  readonly repository: string
  readonly tag: string
  /** Since which revision of what is given it is there without a pause; 0 or none: for as long as the config has it. */
  readonly since?: number
}

export interface Matcher {
  readonly repository: (repository: Repository) => boolean
  readonly fits: (repository: Repository, tag: Tag) => boolean
}

export function matcher({ repository: place, tag: name }: TagRule): Matcher {
  const [places, names] = [starPattern(place), starPattern(name)]
  const isPlace = (repository: Repository) => places.fits(repositoryText(repository))
  return { repository: isPlace, fits: (repository, tag) => isPlace(repository) && names.fits(tag) }
}

/** Where the tags of a rule go, and what goes along. */
export interface RuleOwner {
  readonly name: string
  readonly urls: readonly string[]
  readonly signatures: boolean
}

/** Stays the same as long as a rule means the same, the same tags at the same place, and was never away. */
export const ruleHash = ({ name, urls, signatures }: RuleOwner, { repository, tag, since = 0 }: TagRule): string =>
  createHash('sha256')
    .update(JSON.stringify([name, urls.toSorted(), signatures, repository, tag, ...(since === 0 ? [] : [since])]))
    .digest('hex')
    .slice(0, 32)

/** What signers add to the name of a digest: signatures, attestations, bills of materials, the list of referrers. */
const SUFFIXES = ['', '.sig', '.att', '.sbom'] as const

/** Characters of the hex part in the tag of a signature: a longer one is cut, so that the tag is not too long. */
const HEX_IN_TAG = 64

/** The tags under which signatures of the manifest are found. */
export const signatureTags = (digest: Digest): readonly Tag[] =>
  SUFFIXES.map((suffix) => parseTag(`${digestAlgorithm(digest)}-${digestHex(digest).slice(0, HEX_IN_TAG)}${suffix}`))

/** The tag that stands for the list of what refers to the manifest, whether or not there is such a tag. */
export const referrersTag = (subject: Digest): Tag => signatureTags(subject)[0] as Tag

/** The manifest that a tag signs; undefined when it is the tag of no signature, or does not name the whole digest. */
export function signedBy(tag: Tag): Digest | undefined {
  const [, hex] = /^sha256-([0-9a-f]{64})(?:\.sig|\.att|\.sbom)?$/.exec(tag) ?? []
  return hex === undefined ? undefined : digestFromHex('sha256', hex)
}
