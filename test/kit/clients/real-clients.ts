import { join } from 'node:path'
import {
  digestsOf,
  type ImageLayout,
  type LayoutDigests,
  layeredImage,
  makeImage,
  type SampleInit,
} from '../images/index.ts'
import { buildResource } from '../resource-stack.ts'
import { type Containerd, startContainerd } from './containerd.ts'
import { type ContainerTools, containerTools } from './containers.ts'
import { type Dockerd, startDockerd } from './dockerd.ts'

/** Copies of layouts with skopeo. `host/name:tag` is what they are copied to and from. */
export interface LayoutCopies {
  /** Keeps every digest. */
  push(layout: ImageLayout, target: string, ...flags: readonly string[]): Promise<void>
  /** Into a folder of its own; returns the digests of what came. */
  pull(source: string, ...flags: readonly string[]): Promise<LayoutDigests>
}

export function layoutCopies({ skopeo, folder }: Pick<ContainerTools, 'skopeo' | 'folder'>): LayoutCopies {
  let copies = 0
  return {
    async push(layout, target, ...flags) {
      await skopeo(['copy', '--preserve-digests', ...flags, layout.reference, `docker://${target}`])
    },
    async pull(source, ...flags) {
      copies += 1
      const copy = join(folder, `copy-${copies}`)
      await skopeo(['copy', ...flags, `docker://${source}`, `oci:${copy}:image`])
      return digestsOf(copy)
    },
  }
}

/** The clients that a test with real ones needs, each with its own folders, and an image that was made offline. */
export interface RealClients extends LayoutCopies, AsyncDisposable {
  readonly tools: ContainerTools
  readonly containerd: Containerd
  readonly dockerd: Dockerd
  readonly image: ImageLayout
  /** Loads a layout into docker under that name, as if it had been built there. */
  load(layout: ImageLayout, name: string): Promise<void>
}

export function startRealClients(sample: SampleInit): Promise<RealClients> {
  return buildResource(async (stack) => {
    const tools = stack.own(await containerTools())
    const image = await makeImage(join(tools.folder, 'image'), layeredImage(sample))
    const containerd = stack.own(await startContainerd())
    const dockerd = stack.own(await startDockerd({ containerd }))
    let archives = 0
    return {
      ...{ tools, containerd, dockerd, image },
      ...layoutCopies(tools),
      async load(layout, name) {
        archives += 1
        const archive = join(tools.folder, `image-${archives}.tar`)
        await tools.skopeo(['copy', layout.reference, `docker-archive:${archive}:${name}`])
        await dockerd.docker(['load', '--input', archive])
      },
    }
  })
}
