import type { Rule } from 'eslint'

/** An interface, or an object type, has seven methods at most, with those that it inherits within the file. */
export const smallInterfaces: Rule.RuleModule
