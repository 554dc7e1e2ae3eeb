#!/usr/bin/env node
/** The `shoal` command: lets Node load TypeScript, then runs the real command. */
import { register } from 'tsx/esm/api'

register()
await import('./main.ts')
