import { registrySuite } from '../../contract/registry/registry-suite.ts'
import { startProxyStack } from './proxy-stack.ts'

registrySuite('the proxy', () => startProxyStack())
