/** Matches repository names; `*` stands for any characters. */
export function globOf(pattern: string): RegExp {
  const literal = pattern.split('*').map((part) => part.replaceAll(/[\\^$.|?+()[\]{}]/g, String.raw`\$&`))
  return new RegExp(`^${literal.join('.*')}$`)
}
