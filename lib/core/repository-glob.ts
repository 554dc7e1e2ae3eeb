import { isAppError, starPattern } from '../base/index.ts'
import { parseRepository, type Repository, repositoryText } from './repository.ts'

/** The repositories that match a pattern, by their text form; `*` matches any characters, or none. */
export interface RepositoryGlob {
  fits(repository: Repository): boolean
  /** Whether every repository that fits the pattern `other` fits this one too. */
  covers(other: string): boolean
}

export function repositoryGlob(pattern: string): RepositoryGlob {
  const star = starPattern(pattern)
  return {
    fits: (repository) => star.fits(repositoryText(repository)),
    // No literal of this pattern matches a star in `other`; only a star of this pattern does.
    covers: (other) => star.fits(other),
  }
}

/** Values to try for a star: a part of a name, nothing, and values that complete a bare host, port or mark. */
const STAR_VALUES = ['any', '', '/any', '5000', '5000/any', 'a.b', 'a.b/any', 'localhost/any']

/** A repository that matches the pattern; undefined when none is found, as for `a//b`. */
export function sampleOf(pattern: string): Repository | undefined {
  for (const value of STAR_VALUES) {
    try {
      return parseRepository(pattern.replaceAll('*', value))
    } catch (err) {
      if (!isAppError(err)) throw err
    }
  }
  return undefined
}
