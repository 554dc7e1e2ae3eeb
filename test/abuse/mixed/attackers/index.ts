import type { Attacker } from '../attacker.ts'
import { abandonedUploads } from './abandoned-uploads.ts'
import { cancelledPulls } from './cancelled-pulls.ts'
import { earlyAnswers } from './early-answers.ts'
import { endlessBodies } from './endless-bodies.ts'
import { forgedHosts } from './forged-hosts.ts'
import { heavyJson } from './heavy-json.ts'
import { hostilePeers } from './hostile-peers.ts'
import { idleSockets } from './idle-sockets.ts'
import { manyManifests } from './many-manifests.ts'
import { oddRequests } from './odd-requests.ts'
import { randomAnnounces } from './random-announces.ts'
import { rangeBombs } from './range-bombs.ts'
import { slowUploads } from './slow-uploads.ts'
import { tagChurn } from './tag-churn.ts'
import { unknownDigests } from './unknown-digests.ts'
import { unreadAnswers } from './unread-answers.ts'
import { wrongSecrets } from './wrong-secrets.ts'

/** Everybody who attacks, all at the same time. */
export const attackers: readonly Attacker[] = [
  unreadAnswers,
  cancelledPulls,
  slowUploads,
  abandonedUploads,
  endlessBodies,
  earlyAnswers,
  randomAnnounces,
  heavyJson,
  idleSockets,
  unknownDigests,
  oddRequests,
  forgedHosts,
  wrongSecrets,
  rangeBombs,
  hostilePeers,
  manyManifests,
  tagChurn,
]
