import { clientTracesSuite } from '../../contract/registry/client-traces-suite.ts'
import { registryConformanceSuite } from '../../contract/registry/registry-conformance-suite.ts'
import { registryReferrersSuite } from '../../contract/registry/registry-referrers-suite.ts'
import { atAgent, PROXY_AND_AGENT, proxyAndAgent } from '../../contract/registry/whole-shoal.ts'

/** Beside `registry-contract`, so that two workers share what takes longest. */
registryReferrersSuite(PROXY_AND_AGENT, proxyAndAgent, atAgent)
registryConformanceSuite(PROXY_AND_AGENT, proxyAndAgent, atAgent)
clientTracesSuite(PROXY_AND_AGENT, proxyAndAgent, atAgent)
