#!/usr/bin/env node
/** The `shoal` command: teaches Node to read TypeScript, then runs the real one. */
import { register } from 'tsx/esm/api'

register()
await import('./main.ts')
