export { type AskedInside, fetchFile } from './fetch-file.ts'
