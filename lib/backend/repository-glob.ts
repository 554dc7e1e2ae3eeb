import { isAppError } from '../base/index.ts'
import { parseRepository, type Repository, repositoryText } from '../core/index.ts'

/** Repositories that a pattern stands for, by their text form; `*` is any characters, also none. */
export interface RepositoryGlob {
  fits(repository: Repository): boolean
  /** Whether every repository that fits the pattern `other` fits this one too. */
  covers(other: string): boolean
}

export function repositoryGlob(pattern: string): RepositoryGlob {
  const literal = pattern.split('*').map((part) => part.replaceAll(/[\\^$.|?+()[\]{}]/g, String.raw`\$&`))
  const regex = new RegExp(`^${literal.join('.*')}$`)
  return {
    fits: (repository) => regex.test(repositoryText(repository)),
    // A star of the other stands for what no literal of this one is, so only a star of this one can take it.
    covers: (other) => regex.test(other),
  }
}

/** What a star is tried with: part of a name, nothing, and what makes a repository of a bare host, port or mark. */
const STAR_VALUES = ['any', '', '/any', '5000', '5000/any', 'a.b', 'a.b/any', 'localhost/any']

/** Some repository that fits the pattern; undefined when none is found, as for `a//b`. */
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
