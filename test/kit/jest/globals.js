/**
 * What tests import as `@jest/globals`. Modules of the kit stay when the next file of tests runs, so jest's functions for
 * that file take the place of those before: an import is bound to the name, not to its value.
 */
export let afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest, test

export function take(made) {
  ;({ afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest, test } = made)
}
