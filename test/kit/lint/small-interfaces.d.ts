import type { Rule } from 'eslint'

/** An interface or an object type has at most seven methods, with those inherited from types of the same file. */
export const smallInterfaces: Rule.RuleModule
