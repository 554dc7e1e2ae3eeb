import { isJson, type Json, type KubeObject, type Resource } from '../../kubernetes/index.ts'
import { type ControlPlaneSpec, parseSpec } from './config.ts'

/** Annotation of a resource: the uid of the released namespace that it takes back. Marks of namespaces can be copied. */
export const ADOPT = 'shoal.dev/adopt'

export const controlPlanes: Resource = {
  ...{ group: 'shoal.dev', version: 'v1alpha1', plural: 'controlplanes', kind: 'ControlPlane', namespaced: true },
}

/** A resource of an account, as the server has it. */
export interface ControlPlane {
  readonly name: string
  readonly namespace: string
  readonly uid: string
  readonly resourceVersion: string
  readonly generation: number
  readonly finalizers: readonly string[]
  /** It is deleted as soon as all finalizers are gone. */
  readonly leaving: boolean
  /** What it asks for; a text says in words why that cannot be. */
  readonly spec: ControlPlaneSpec | string
  /** What is wanted of its data after the deletion, also when the rest cannot be read. */
  readonly deletesData: boolean
  readonly paused: boolean
  /** The uid of the released namespace that it takes back, when it says one. */
  readonly adopts: string | undefined
  readonly status: Json
}

/** Longest name: namespaces and labels hold it whole. */
const MAX_NAME = 40

/** Never fails: what is wrong stands in `spec`. */
export function controlPlaneOf(object: KubeObject): ControlPlane {
  const {
    name,
    namespace = '',
    uid = '',
    resourceVersion = '',
    finalizers,
    deletionTimestamp,
    generation,
    annotations,
  } = object.metadata
  const spec = isJson(object['spec']) ? object['spec'] : {}
  return {
    ...{ name, namespace, uid, resourceVersion },
    generation: typeof generation === 'number' ? generation : 0,
    finalizers: Array.isArray(finalizers) ? finalizers.map(String) : [],
    leaving: deletionTimestamp !== undefined,
    spec: specOf(name, spec),
    deletesData: spec['deletionPolicy'] === 'Delete',
    paused: spec['paused'] === true,
    adopts: adoptsOf(annotations),
    status: isJson(object['status']) ? object['status'] : {},
  }
}

function adoptsOf(annotations: unknown): string | undefined {
  const uid = isJson(annotations) ? annotations[ADOPT] : undefined
  return typeof uid === 'string' && uid !== '' ? uid : undefined
}

function specOf(name: string, spec: Json): ControlPlaneSpec | string {
  if (name.length > MAX_NAME || !/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(name))
    return `the name ${name} is no label of DNS of at most ${MAX_NAME} characters; make another resource`
  return parseSpec(spec)
}
