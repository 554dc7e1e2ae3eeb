import { registryConformanceSuite } from '../../contract/registry/registry-conformance-suite.ts'
import { registrySuite } from '../../contract/registry/registry-suite.ts'
import { startProxyStack } from './proxy-stack.ts'

registrySuite('the proxy', () => startProxyStack())
registryConformanceSuite('the proxy', () => startProxyStack())
