/** Of all programs here; a test compares it with package.json. */
export const shoalVersion = '0.1.0'
