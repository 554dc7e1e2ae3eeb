import { format, type Language, language } from '../state/here.ts'
import { en } from './en.ts'
import { textOf, type Values } from './fill.ts'
import { zh } from './zh.ts'

export type TextKey = keyof typeof en

const tables: Readonly<Record<Language, Readonly<Record<TextKey, string>>>> = { en, zh }

/** A text in the language that is shown; what it names in braces is filled in. */
export const t = (key: TextKey, values: Values = {}): string =>
  textOf(tables[language.value][key], values, { language: language.value, number: format().number })
