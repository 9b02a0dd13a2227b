/** Which of a cluster's three ways a call belongs to: a clean create, a create whose node fails, the delete. */
export const phases = ["create", "failing", "delete"] as const;
export type Phase = (typeof phases)[number];

/** One AWS call of a Lambda: the n-th of this function and action since the phase began. */
export interface Call {
  phase: Phase;
  /** As serverless.yml names it. */
  function: string;
  /** `service:Action`, as IAM names it. */
  action: string;
  n: number;
  /** Made only by an environment that has just started, such as the reading of a secret that is then kept. */
  cold?: boolean;
}

/**
 * How a call is broken.
 * - throttled: the service's own throttle, for the call and the SDK's repetitions of it; the machine's retry meets success
 * - reply-lost: AWS does the work and answers 500; the SDK's repetition is answered truly
 * - replies-lost: the same for every repetition of the SDK; the machine's retry meets a true answer
 * - refused: this and every later call of this action by this function, until the case is over or a leak is suspected
 * - killed: AWS does the work, the Lambda's process ends before it hears of it
 * - unseen: what it made or changed is not to be seen in the next four looks, 15 seconds at most
 * - killed-unseen: both, so that whoever takes up the work looks and does not see it
 */
export const kinds = ["throttled", "reply-lost", "replies-lost", "refused", "killed", "unseen", "killed-unseen"] as const;
export type Kind = (typeof kinds)[number];

export interface Case extends Call {
  id: string;
  kind: Kind;
}

const reads = /:(Describe|Get|List|Query|Head|Scan|Simulate)/;
export const changes = ({ action }: Pick<Call, "action">): boolean => !reads.test(action);

/** DynamoDB's consistent reads and S3's objects are never stale; of S3 it is the buckets and their settings that are. */
const eventual = /^(ec2|elasticloadbalancing|iam|scheduler):|^states:StartExecution|^s3:(Create|Delete|Put).*Bucket|^s3:PutEncryptionConfiguration/;

export function appliesTo(kind: Kind, call: Pick<Call, "action">): boolean {
  if (kind === "unseen" || kind === "killed-unseen") return changes(call) && eventual.test(call.action);
  // A read whose reply is lost once is a read that is sent twice.
  if (kind === "reply-lost") return changes(call);
  return true;
}

export const idOf = ({ phase, function: name, action, n }: Call, kind: Kind): string => `${phase}/${name}/${action}#${n}/${kind}`;

/** Soonest what has most often found something: the first of each action, what loses a reply or dies after a change. */
const urgency: Kind[] = ["replies-lost", "killed-unseen", "killed", "refused", "unseen", "throttled", "reply-lost"];
const rank = ({ n, kind, ...call }: Case): number => (n - 1) * 20 + urgency.indexOf(kind) + (changes(call) ? 0 : 5);

/** Every case there is of these calls, soonest first; calls that run beside each other have no order, so ids decide. */
export const casesOf = (calls: Call[]): Case[] =>
  calls
    .flatMap((call) => kinds.filter((kind) => appliesTo(kind, call)).map((kind): Case => ({ ...call, kind, id: idOf(call, kind) })))
    .sort((a, b) => rank(a) - rank(b) || (a.id < b.id ? -1 : 1));

/** So many of them at random; the same seed chooses the same. */
export function thinned(cases: Case[], count: number, seed: number): Case[] {
  const random = mulberry32(seed);
  const drawn = cases.map((one) => ({ one, at: random() })).sort((a, b) => a.at - b.at);
  return drawn.slice(0, count).map(({ one }) => one);
}

/** Numbers in [0, 1) that follow from the seed alone: Tommy Ettinger's mulberry32, in the public domain. */
function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
