import { describe, expect, test } from '@jest/globals'
import { Linter } from 'eslint'
import tseslint from 'typescript-eslint'
import { smallInterfaces } from '../../kit/lint/small-interfaces.js'

/** The messages of the rule for a file. */
function findings(code: string): string[] {
  const config: Linter.Config = {
    files: ['**/*.ts'],
    languageOptions: { parser: tseslint.parser },
    plugins: { shoal: { rules: { 'small-interfaces': smallInterfaces } } },
    rules: { 'shoal/small-interfaces': 'error' },
  }
  return new Linter().verify(code, config, 'file.ts').map(({ message }) => message)
}

const methods = (count: number, first = 0) =>
  Array.from({ length: count }, (_, index) => `m${first + index}(): void`).join('\n')

const large = (name: string, count: number) => [expect.stringContaining(`${name} has ${count} methods, and 7`)]

describe('an interface', () => {
  test('may have seven methods, and any number of getters and data', () => {
    const data = Array.from({ length: 9 }, (_, index) => `readonly d${index}: number\nget g${index}(): number`)
    expect(findings(`interface Small {\n${methods(7)}\n${data.join('\n')}\n}`)).toEqual([])
  })

  test('is refused with eight', () => {
    expect(findings(`export interface Large {\n${methods(8)}\n}`)).toEqual(large('Large', 8))
  })

  test.each([
    ['a function', 'readonly f: () => void'],
    ['a function that may be missing', 'f?: (() => void) | undefined'],
    ['a call of itself', '(): void'],
  ])('has one method more with %s as a member', (_, member) => {
    expect(findings(`interface Large {\n${methods(7)}\n${member}\n}`)).toEqual(large('Large', 8))
  })

  test('has one method however often it is overloaded', () => {
    expect(findings(`interface Small {\n${methods(7)}\nm0(text: string): void\n}`)).toEqual([])
  })

  test('has what it inherits, over any number of steps', () => {
    const code = `interface A {\n${methods(4)}\n}\ninterface B extends A {}\ninterface C extends B, Other {\n${methods(4, 4)}\n}`
    expect(findings(code)).toEqual(large('C', 8))
  })

  test('is refused by another name, too', () => {
    expect(findings(`type Large = {\n${methods(8)}\n}`)).toEqual(large('the object type', 8))
  })
})
