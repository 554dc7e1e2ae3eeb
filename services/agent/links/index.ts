export { type KeptLinks, keptLinks } from './kept-links.ts'
export { type LinkedOpen, linkedOpen } from './linked-open.ts'
export { type LinkIndex, type Links, links } from './links.ts'
