import { expect, it } from '@jest/globals'
import { canonicalQuery } from '../../../../services/controller/names/zones/private-zone/signature.ts'

it('puts names before longer ones that begin with them, whatever stands behind', () => {
  const query = { Zone1: 'b', Zone: 'z', 'Zone-': 'a', ZID: '7' }
  expect(canonicalQuery(query)).toBe('ZID=7&Zone=z&Zone-=a&Zone1=b')
})

it('escapes everything but unreserved characters', () => {
  expect(canonicalQuery({ 'a b': "it's (here)*!~" })).toBe('a%20b=it%27s%20%28here%29%2A%21~')
})
