import { appError } from '../base/index.ts'

declare const brand: unique symbol

/** A repository name as the OCI distribution spec has it: components of `[a-z0-9]` joined by `/`. */
export type RepositoryName = string & { readonly [brand]: 'RepositoryName' }

/** A tag as the OCI distribution spec has it. */
export type Tag = string & { readonly [brand]: 'Tag' }

/** The registry a repository belongs to: `''` is our own, anything else an upstream host (pull-through). */
export type Namespace = string & { readonly [brand]: 'Namespace' }

const MAX_NAME = 255
const component = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/
const tagShape = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/

export const OWN_NAMESPACE = '' as Namespace

/** @throws NAME_INVALID */
export function parseRepositoryName(text: string): RepositoryName {
  if (text.length > MAX_NAME || !text.split('/').every((part) => component.test(part))) {
    throw appError('NAME_INVALID', { detail: { name: text.slice(0, MAX_NAME) } })
  }
  return text as RepositoryName
}

/** @throws TAG_INVALID */
export function parseTag(text: string): Tag {
  if (!tagShape.test(text)) throw appError('TAG_INVALID', { detail: { tag: text.slice(0, 128) } })
  return text as Tag
}

/** Accepts a host with optional port. @throws NAME_INVALID */
export function parseNamespace(text: string): Namespace {
  if (text !== '' && !/^[a-zA-Z0-9.-]{1,253}(?::\d{1,5})?$/.test(text)) {
    throw appError('NAME_INVALID', {
      message: 'the namespace must be a registry host',
      detail: { ns: text.slice(0, 260) },
    })
  }
  return text as Namespace
}
