/** What an error code tells clients, and callers that may retry. */
export interface ErrorPolicy {
  /** HTTP status of an answer with this code. */
  readonly status: number
  /** One sentence: what went wrong, and what to do. */
  readonly message: string
  /** Whether the same call, unchanged, may succeed later. */
  readonly retryable: boolean
}

const final = (status: number, message: string): ErrorPolicy => ({ status, message, retryable: false })
const retryable = (status: number, message: string): ErrorPolicy => ({ status, message, retryable: true })

/** Codes of the OCI distribution spec and of distribution's additions; a registry client sees no other `code`. */
const registryCodes = {
  UNAUTHORIZED: final(401, 'authentication is required; show a secret or log in'),
  DENIED: final(403, 'the caller has no right to do this'),
  TOOMANYREQUESTS: retryable(429, 'too many requests; slow down'),
  UNSUPPORTED: final(405, 'the operation is not supported here'),
  UNKNOWN: final(500, 'an unexpected failure; the log has the cause'),
  UNAVAILABLE: retryable(503, 'the service cannot answer now; try again'),
  NAME_INVALID: final(400, 'the repository name is malformed'),
  NAME_UNKNOWN: final(404, 'the repository is not known'),
  TAG_INVALID: final(400, 'the tag is malformed'),
  TAG_IMMUTABLE: final(409, 'the tag points to other bytes and may not be moved; push under another tag'),
  PAGINATION_NUMBER_INVALID: final(400, 'the page size must be a whole number that is not negative'),
  DIGEST_INVALID: final(400, 'the digest is malformed or does not match the content'),
  SIZE_INVALID: final(400, 'the length given does not match the bytes received'),
  RANGE_INVALID: final(416, 'the range cannot be satisfied'),
  BLOB_UNKNOWN: final(404, 'the blob is not known in this repository'),
  BLOB_UPLOAD_INVALID: retryable(409, 'the upload cannot go on as it is; wait, or start a new one'),
  BLOB_UPLOAD_UNKNOWN: final(404, 'the upload session is not known; start a new one'),
  MANIFEST_UNKNOWN: final(404, 'the manifest is not known in this repository'),
  MANIFEST_INVALID: final(400, 'the manifest is malformed'),
  MANIFEST_BLOB_UNKNOWN: final(400, 'the manifest names a blob that this repository does not have; push it first'),
} as const satisfies Record<string, ErrorPolicy>

/** Codes of all parts behind the registry front. */
const ownCodes = {
  ABORTED: retryable(499, 'the caller gave up'),
  BACKEND_CONDITIONS_IGNORED: retryable(
    503,
    'the backend ignores the condition of this request, so two writers would overwrite each other unseen; use another endpoint, or say so in its config',
  ),
  BACKEND_CORRUPT: final(
    502,
    'the backend returned bytes that do not match the digest; repair the object in the backend',
  ),
  BACKEND_DENIED: final(502, 'the backend refuses the credentials of this service; check its keys and their rights'),
  BACKEND_KEY_INVALID: final(400, 'the key has a form that not every backend accepts'),
  BACKEND_PRECONDITION_FAILED: final(412, 'the object changed meanwhile; read it again'),
  BACKEND_READ_ONLY: final(405, 'the backend accepts no writes; choose a driver or a mode that does'),
  BACKEND_REFUSED: final(422, 'the backend refuses this request, also when it is repeated; the detail has the reason'),
  BACKEND_THROTTLED: retryable(503, 'the backend asks to slow down; raise its quota or lower the limits of its rule'),
  BACKEND_UNAVAILABLE: retryable(503, 'the backend does not answer; check its endpoint and credentials'),
  BENCODE_INVALID: final(400, 'the bencoded text is malformed'),
  BLOB_HELD: retryable(409, 'the blob is pinned or in use by a task; unpin it, wait, or force it'),
  BLOB_LAST_COPY: final(409, 'neither the backend nor another origin has this blob; force it to lose it'),
  BLOB_LOST: final(404, 'a blob that was waiting for the backend is no longer on any origin; push it again'),
  BODY_INVALID: final(400, 'the body of the request is malformed'),
  BODY_TOO_SLOW: retryable(408, 'the body of the request comes too slowly; send it again over a better line'),
  BODY_TOO_LARGE: final(413, 'the body of the request is larger than the limit'),
  CLUSTER_EMPTY: final(500, 'the cluster has no members; list at least one in the config'),
  CERTIFICATE_REQUIRED: final(
    403,
    'this listener serves only who shows a valid certificate of one of its tls.authorities; give the client one',
  ),
  CONFIG_INVALID: final(500, 'the configuration is invalid'),
  CONTENT_TYPE_UNSUPPORTED: final(415, 'the body of the request must be application/json; say so in Content-Type'),
  CHANGED_MEANWHILE: final(412, 'somebody else changed it since you looked; look again'),
  CONNECTIONS_BUSY: retryable(503, 'too many requests wait for a connection to the service behind; try again'),
  CONTROL_FULL: final(409, 'this tracker keeps no more of them; take some back first'),
  CROSS_SITE: final(403, 'the request comes from a page of another site; browsers may not carry it here'),
  DIGEST_REFUSED: retryable(503, 'the content of this digest was found wrong a moment ago; it is refused for a while'),
  EXPECTATION_FAILED: final(417, 'the request expects something that this service does not do; leave out Expect'),
  FILE_UNKNOWN: final(404, 'the image has no such file'),
  FLEET_EMPTY: final(404, 'no host that the job would be for comes to this tracker for orders'),
  FOREIGN_PEERS_OFF: final(
    404,
    'stock BitTorrent clients are not let in here; set swarm.foreignPeers at origins, trackers and agents',
  ),
  FLEET_GATHERING: retryable(
    503,
    'the tracker has just started and does not know all its hosts yet; name the hosts, or try again in a minute',
  ),
  FILES_EXHAUSTED: retryable(503, 'the process has too many files and connections open; raise its limit (ulimit -n)'),
  GARBAGE_FOREIGN: final(
    409,
    'the backend belongs to the index of another cluster; what nobody links there is not known',
  ),
  FORWARD_DENIED: final(403, 'nobody is forwarded to this host, port or address here; see registry.forward'),
  FORWARD_DISTRUSTED: final(502, 'the host shows no certificate that is trusted here'),
  FORWARD_LOOP: final(508, 'the request would come back to this agent'),
  FORWARD_UNAUTHORIZED: final(407, 'a secret is required for requests to other hosts; show it to the proxy'),
  FORWARD_UNREACHABLE: retryable(502, 'the host cannot be reached, or broke the connection off'),
  GARBAGE_NEVER: final(404, 'nobody has looked for garbage here yet'),
  GARBAGE_PLACE_UNKNOWN: final(404, 'the origin has no such backend; all origins need the same rules'),
  GARBAGE_RUNNING: retryable(409, 'a build-index of this cluster looks for garbage already; see its report'),
  HEADERS_TOO_LARGE: final(431, 'the request line and the headers are larger than the limit'),
  HEAD_TOO_SLOW: retryable(408, 'the request line and the headers did not come in time; send the request again'),
  HOST_AWAY: retryable(503, 'the host did not come for the order in time'),
  HOST_BANNED: final(403, 'an admin has banned this node; the reason is in the detail'),
  HOST_UNKNOWN: final(
    421,
    'the listener is not known by the host of the request; add the name to the config key hosts',
  ),
  INSECURE_BIND: final(500, 'the listener is reachable from outside without a secret; set one, or insecure: true'),
  IMAGE_TOO_LARGE: final(413, 'the image has more than this reads; the message says what of it'),
  JOB_FAILED: final(409, 'some hosts have not done what the job says; list those that failed'),
  JOB_KEY_TAKEN: final(409, 'another job has this key; give the new one a key of its own'),
  JOB_OVER: final(409, 'the job has ended'),
  JOB_TIMEOUT: final(504, 'the host did not do it within the time limit of the job'),
  JOB_UNKNOWN: final(404, 'there is no such job here; list the jobs'),
  JOBS_FULL: retryable(503, 'the tracker keeps no more jobs; wait until some have ended, or cancel some'),
  JOURNAL_FULL: retryable(503, 'the journal is full; wait until some tasks are done'),
  JOURNAL_IN_USE: final(500, 'another process uses the folder of the journal; stop it, or choose another folder'),
  JOURNAL_UNAVAILABLE: retryable(503, 'the journal cannot be read or written; check its disk'),
  KUBE_CONFLICT: final(
    409,
    'the object in Kubernetes has changed meanwhile, or another manager owns the field; read it again',
  ),
  KUBE_EXISTS: final(409, 'Kubernetes has an object of this name already'),
  KUBE_FORBIDDEN: final(502, 'Kubernetes does not let the controller do this; check its role and the binding of it'),
  KUBE_GONE: final(410, 'Kubernetes remembers no changes since this version; list again'),
  KUBE_INVALID: final(422, 'Kubernetes refuses the object or the request; the message has the reason'),
  KUBE_NOT_FOUND: final(404, 'Kubernetes has no such object, or does not know its kind'),
  KUBE_THROTTLED: retryable(503, 'Kubernetes asks to slow down'),
  KUBE_TOO_MANY: final(500, 'Kubernetes has more objects of this kind than the controller keeps; narrow the selector'),
  KUBE_UNAUTHORIZED: retryable(
    502,
    'Kubernetes does not know who is calling; check the token or certificate of the controller',
  ),
  KUBE_UNAVAILABLE: retryable(503, 'the API server of Kubernetes does not answer'),
  LAYER_UNREADABLE: final(422, 'a layer of the image is no tar that this can read; the message says what it is'),
  LINK_LOOP: final(409, 'the path leads through too many symbolic links'),
  LISTENER_BUSY: retryable(
    503,
    'too many uploads or downloads are under way, of all clients or of this one; try again',
  ),
  LEADERSHIP_LOST: retryable(503, 'another controller leads, or may lead by now; only the leader writes'),
  MARK_UNKNOWN: final(404, 'there is no such ban or drain; list them'),
  METAINFO_CONFLICT: final(502, 'two sources name different hashes for one piece'),
  METAINFO_FAILED: final(502, 'the origin found the blob to be wrong'),
  METAINFO_DOUBTED: retryable(503, 'the piece hashes of the blob are in doubt; the next try asks an origin for them'),
  METAINFO_INCOMPLETE: retryable(503, 'the metainfo stream ended early'),
  METAINFO_INVALID: final(502, 'the metainfo stream is malformed'),
  METHOD_NOT_ALLOWED: final(405, 'the method is not allowed on this path'),
  NO_BACKEND_RULE: final(404, 'no backend rule fits the repository; add one for it to the config of every origin'),
  NOT_A_FILE: final(409, 'what lies at this path of the image is no regular file; list it with --list'),
  NOT_FOUND: final(404, 'there is nothing at this path'),
  NOT_OWNER: final(409, 'this origin does not own the blob and may not forward the request again'),
  NO_HEALTHY_MEMBER: retryable(503, 'no member of the cluster answers'),
  NODE_UNKNOWN: final(404, 'no such node has announced here lately; list the hosts'),
  PEER_BANNED: final(403, 'the peer is banned for sending wrong bytes'),
  PEER_CLOSED: retryable(503, 'the peer closed the connection'),
  PEER_LIMIT: retryable(503, 'the limit of connections is reached'),
  PEER_REJECTED: retryable(503, 'the peer refused the request'),
  PEER_UNPROVEN: final(
    403,
    'the peer did not prove that it belongs to the cluster; give all members the same secrets.node, and certificates of one of tls.authorities',
  ),
  PIECE_INVALID: retryable(502, 'the piece does not match its hash'),
  PORT_IN_USE: final(500, 'the port is taken; choose another or use auto'),
  PULL_UNKNOWN: final(
    404,
    'the agent remembers no pull of this id; it keeps only the last ones, and none over a restart',
  ),
  RANGES_EXCESSIVE: final(400, 'the ranges are too many, or are longer together than the content'),
  RANGE_UNSATISFIABLE: final(416, 'the range lies outside the content'),
  RING_UNKNOWN: final(404, 'this service calls no ring of that name; list the rings'),
  ORDER_LOST: retryable(503, 'the host no longer knows the order that it was given; it may have been restarted'),
  ORIGIN_BUSY: retryable(503, 'other agents have these pieces or are getting them; take them from those'),
  READERS_UNSAID: final(
    500,
    'the registry listens beyond this machine, and the config does not say who may read without a secret; set registry.anonymous to none or read',
  ),
  REGISTRY_UNSAID: final(
    404,
    'the request does not say which registry it means; this agent needs ns, a host of registry.ownHosts, or registry.default: own',
  ),
  REMOTE_UNKNOWN: final(404, 'the config names no remote of that name; list the remotes'),
  WEBHOOK_FAILED: retryable(503, 'the webhook could not be told; it is tried again'),
  REPLICA_FAILED: retryable(503, 'the tag could not be replicated now; it is tried again'),
  REPLICA_INCOMPLETE: retryable(
    409,
    'the repository lacks a blob or a manifest that the tag needs; send that first, and then the tag',
  ),
  REPLICA_SAME_CLUSTER: final(409, 'the remote has the name of this cluster; give each cluster a name of its own'),
  REPLICATION_NEEDS_BACKEND: final(
    500,
    'the backend of the index has no conditional writes; name another one in replication.backend, or no remotes',
  ),
  REPLICATION_UNKNOWN: final(404, 'this tag was not sent to this remote lately'),
  REFERRERS_UNSUPPORTED: final(404, 'the referrers API is not supported; use the referrers tag'),
  REPLICA_TOO_LARGE: final(
    422,
    'the image names too many manifests or blobs, or nests indexes too deeply, to be replicated',
  ),
  REQUEST_INVALID: final(400, 'the request line or a header is malformed'),
  REQUEST_TIMEOUT: retryable(504, 'no answer came in time'),
  SEND_NOT_ALLOWED: final(403, 'this origin may not send to that host; name it in send.allow of the origins'),
  SHUTTING_DOWN: retryable(503, 'the service is shutting down; ask another'),
  RETENTION_NEVER: final(404, 'nobody has looked at the tags by the rules of retention yet'),
  RETENTION_RUNNING: retryable(409, 'a build-index of this cluster looks at the tags already; see its report'),
  RETENTION_TOO_MANY_MANIFESTS: final(
    409,
    'the repository has more manifests than are judged at once, so all are kept',
  ),
  RETENTION_TOO_MANY_TAGS: final(409, 'the repository has more tags than are judged at once, so all are kept'),
  SOURCES_EXHAUSTED: retryable(503, 'no peer and no origin could give the blob'),
  STALLED: retryable(504, 'no bytes arrived for too long'),
  STORE_CORRUPT: final(500, 'the files of the local store contradict each other; remove the blob'),
  STORE_FULL: retryable(507, 'the disk is full and nothing can be evicted; free space or raise the limit'),
  SWARM_UNKNOWN: final(404, 'nobody downloads or has this blob, as far as this tracker knows; list the swarms'),
  TASK_NOT_DEAD: final(409, 'the task will still be tried; only a dead task can be deleted'),
  TASK_UNKNOWN: final(404, 'there is no such task; it may be done'),
  TLS_HANDSHAKE_FAILED: final(400, 'the connection ended before its TLS handshake did'),
  TORRENT_NONE: final(404, 'the blob is so small that it has no swarm; fetch it over HTTP'),
  TORRENT_UNKNOWN: final(404, 'no torrent of this blob was made here; fetch its torrent from an origin first'),
  TLS_REQUIRED: final(400, 'this listener speaks TLS alone; call it by https://'),
  TLS_UNTRUSTED: retryable(
    503,
    'the other side does not speak TLS, or one of the two does not trust the certificate of the other; compare tls.authorities',
  ),
  UPLOADS_FULL: retryable(
    503,
    'too many uploads are open, or too large ones; close or cancel some, or try again later',
  ),
  UPLOAD_CONFLICT: retryable(409, 'another request is writing to this upload'),
  UPLOAD_OFFSET: final(416, 'the bytes do not start at the end of the upload; ask for its state'),
  UPSTREAM_UNREACHABLE: retryable(
    503,
    'the upstream registry does not answer; what is not in the cluster yet must come from elsewhere until it does',
  ),
  URL_CHANGED: retryable(503, 'the content of the URL has changed while it was read; ask again'),
  URL_INVALID: final(400, 'the URL must be http or https, at most 2048 characters, without user and password'),
  URL_NOT_NAMED: final(
    403,
    'no rule names this URL; see urls.rules of the origins, and registry.forward.rules of the agent',
  ),
  URL_NOT_SHARED: final(409, 'what the web server answers is not for everybody; ask it directly'),
  URL_UNKNOWN: final(404, 'the web server has nothing under this URL'),
  WIRE_FRAME_INVALID: final(400, 'the peer sent a message that breaks the protocol'),
  WIRE_HANDSHAKE_FAILED: final(400, 'the handshake of the peer is wrong, late, or for another swarm'),
  WIRE_QUEUE_FULL: final(400, 'the peer has more open requests than allowed'),
  WIRE_UNASKED_PIECE: final(400, 'the peer sent a block that was not requested'),
  WRITE_BACK_FULL: retryable(503, 'too much already waits for the backend; find out why it accepts no writes'),
} as const satisfies Record<string, ErrorPolicy>

/** Every stable error code with its policy. `docs/errors.md` has a row for each code. */
export const errorTable = { ...registryCodes, ...ownCodes }

export type ErrorCode = keyof typeof errorTable

/** True for a code that the OCI distribution spec allows in an answer to a registry client. */
export function isRegistryCode(code: ErrorCode): code is keyof typeof registryCodes {
  return code in registryCodes
}
