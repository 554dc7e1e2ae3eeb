/** The header with which a secret is shown. */
export const bearer = (secret: string): string => `Bearer ${secret}`
