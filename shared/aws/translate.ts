import { AwsRefused, CapacityMissing, ClowderError, PermissionMissing, QuotaExceeded, TryAgain } from "../errors";

/** AWS error codes by meaning: one place for its quirks. Sources: the EC2, ELB, IAM and S3 error code pages. */
const anyOf = (...codes: RegExp[]): RegExp => new RegExp(codes.map(({ source }) => source).join("|"));
const notFound = /NotFound|NoSuch\w+|^404$|^Gateway\.NotAttached$/;
const inUse = anyOf(
  /^DependencyViolation|^ResourceInUse|^DeleteConflict|^VolumeInUse|^BucketNotEmpty|^OperationAborted/,
  /^Invalid(Group|IPAddress|NetworkInterface)\.InUse/,
);
const duplicate = anyOf(
  /\.Duplicate$|^Duplicate|AlreadyExists|^InvalidSubnet\.Conflict|^Resource\.AlreadyAssociated/,
  /^IdempotentParameterMismatch/,
);
/** Network load balancers take running targets only, Classic ones no instance that is too new; an ended one holds its address a while. */
const notYet = /^(InvalidTarget(Exception)?|InvalidInstance|InvalidEndPointException|Incorrect(Instance)?State|InvalidIPAddress\.InUse)$/;
const transient = anyOf(
  /Throttl|RequestLimitExceeded|TooManyRequests|SlowDown|ProvisionedThroughputExceeded|TimeoutError|^RequestExpired$/,
  /ServiceUnavailable|InternalError|InternalFailure|Unavailable$|PriorRequestNotComplete|ConcurrentModification|TransactionInProgress/,
  /^E(CONN|PIPE|TIMEDOUT|AI_AGAIN|HOSTUNREACH|NOTFOUND)/,
);
const denied = /AccessDenied|UnauthorizedOperation|AuthFailure|Forbidden|NotAuthorized|AuthorizationError|^403$/;
const quota = /LimitExceeded|QuotaExceeded|TooMany(Buckets|LoadBalancers|AccessPoints|TargetGroups|Targets)|VcpuLimit/;
const capacity = /Insufficient(Instance|Host|Address)Capacity|InsufficientFreeAddressesInSubnet|^Unsupported$/;

/** AWS's code of an error: its name, S3's `Code`, a socket's `code`, or the HTTP status where the body was empty (HEAD). */
export const codeOf = (error: unknown): string => {
  const { name, Code, code, $metadata } = (error ?? {}) as {
    name?: string;
    Code?: string;
    code?: string;
    $metadata?: { httpStatusCode?: number };
  };
  const named = name && !["Error", "UnknownError", "Unknown"].includes(name) ? name : Code;
  return named ?? code ?? String($metadata?.httpStatusCode ?? "Unknown");
};
export const isNotFound = (error: unknown): boolean => notFound.test(codeOf(error));
/** Of an interface that is in use EC2 may say InvalidParameterValue: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html */
export const isInUse = (error: unknown): boolean =>
  inUse.test(codeOf(error)) || (codeOf(error) === "InvalidParameterValue" && /currently in use/.test((error as Error).message));
/** What a create is answered when an earlier call, whose reply was lost, has made the thing. */
export const isDuplicate = (error: unknown): boolean => duplicate.test(codeOf(error));
/** AWS is not one mind yet: what was just made is not found, not running, or made already. A later look settles it. */
export const isUnsettled = (error: unknown): boolean =>
  !(error instanceof ClowderError) && (isNotFound(error) || isDuplicate(error) || notYet.test(codeOf(error)));
const statusOf = (error: unknown): number =>
  (error as { $metadata?: { httpStatusCode?: number } } | undefined)?.$metadata?.httpStatusCode ?? 0;
/** Nobody knows whether AWS did what was asked: it failed after it had begun, or was never heard. A throttle is no such thing. */
export const isUncertain = (error: unknown): boolean => {
  const status = statusOf(error);
  return (status >= 500 || status === 0) && !/Throttl|RequestLimitExceeded|SlowDown/.test(codeOf(error));
};

/** Any error as one of ours, AWS's code and message kept in the message and the cause. Ours pass unchanged. */
export function translate(error: unknown): ClowderError {
  if (error instanceof ClowderError) return error;
  const code = codeOf(error);
  const message = `${code}: ${error instanceof Error ? error.message : String(error)}`;
  const options = { cause: error };
  if (transient.test(code) && !/LimitExceeded$/.test(code.replace("RequestLimitExceeded", ""))) return new TryAgain(message, options);
  if (capacity.test(code)) return new CapacityMissing(message, options);
  if (quota.test(code)) return new QuotaExceeded(message, options);
  if (denied.test(code)) return new PermissionMissing(message, options);
  if (statusOf(error) >= 500) return new TryAgain(message, options);
  return new AwsRefused(message, options);
}
