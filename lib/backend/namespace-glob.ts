/** Repository names that a pattern stands for; `*` is any characters, also none. */
export interface NamespaceGlob {
  fits(namespace: string): boolean
  /** Whether every name that fits `other` fits this one too. */
  covers(other: string): boolean
}

export function namespaceGlob(pattern: string): NamespaceGlob {
  const literal = pattern.split('*').map((part) => part.replaceAll(/[\\^$.|?+()[\]{}]/g, String.raw`\$&`))
  const regex = new RegExp(`^${literal.join('.*')}$`)
  const fits = (text: string) => regex.test(text)
  // A star of the other stands for what no literal of this one is, so only a star of this one can take it.
  return { fits, covers: fits }
}
