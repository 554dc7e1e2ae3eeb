import { arch } from 'node:os'
import type { Platform } from '../../lib/registry/index.ts'

/** Names of architectures in images, where Node has others. */
const architectures: Readonly<Record<string, string>> = {
  x64: 'amd64',
  ia32: '386',
  ppc64: 'ppc64le',
  loong64: 'loong64',
}

/** The images that containers of this machine run; they are Linux on every machine. */
export const ownPlatform = (): Platform => ({ os: 'linux', architecture: architectures[arch()] ?? arch() })
