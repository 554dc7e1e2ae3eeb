export { type PullEnd, type Steered, steered } from './steered.ts'
export {
  type EffectiveSettings,
  effective,
  hashOfValues,
  placeInShare,
  type SteeredHost,
  type SteeringDocument,
  type SteeringLayer,
  type SteeringRules,
  steeringBodySchema,
  steeringLimits,
  steeringRules,
} from './steering.ts'
export {
  type Holds,
  type RunSettings,
  type SteeredGroup,
  type SteeredHostAnswer,
  type SteeredState,
  steeredStates,
} from './steering-admin.ts'
export {
  type AskingKind,
  askingKinds,
  type HeldSteering,
  hasVersion,
  heldSteeringSchema,
  type SteeringAsked,
  type SteeringExchangeClient,
  steeringAskedSchema,
  steeringBodies,
  steeringExchangeClient,
  steeringRoutes,
  steeringWordClient,
} from './steering-exchange.ts'
export {
  compareSteering,
  noSteering,
  type SteeringReport,
  type SteeringVersion,
  type SteeringWord,
} from './steering-words.ts'
