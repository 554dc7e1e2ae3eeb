/** The different words of a text in which spaces, commas or ends of lines stand between them. */
export const wordsIn = (text: string): readonly string[] => [
  ...new Set(text.split(/[\s,]+/).filter((word) => word !== '')),
]
