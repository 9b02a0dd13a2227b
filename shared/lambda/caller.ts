import type { APIGatewayProxyEventV2, APIGatewayProxyEventV2WithIAMAuthorizer } from "aws-lambda";
import { NotYours } from "../errors";
import type { ClusterRecord } from "../registry/cluster-record";
import { matchesAny } from "../spec/patterns";

/** Who signed the request. */
export interface Caller {
  /** What is kept as a cluster's owner: an IAM ARN that stays the same from one session to the next. */
  arn: string;
  accountId: string;
}

/**
 * The identity that API Gateway's IAM authoriser found (payload 2.0, `requestContext.authorizer.iam`).
 * @throws NotYours when the route has no IAM authoriser: closed by default.
 */
export function callerOf(event: APIGatewayProxyEventV2): Caller {
  const { authorizer } = event.requestContext as Partial<APIGatewayProxyEventV2WithIAMAuthorizer["requestContext"]>;
  const iam = authorizer?.iam;
  if (!iam?.userArn) throw new NotYours("the request carries no IAM identity", { nextStep: "sign it with AWS Signature Version 4" });
  return { arn: lastingArn(iam.userArn), accountId: iam.accountId };
}

/**
 * A session's ARN without the session, since a role's next session is the same owner. IAM Identity Center is the exception:
 * many people share an `AWSReservedSSO_` role and the session's name is the person's.
 * An assumed-role ARN lacks the role's path, so the result does too.
 */
function lastingArn(arn: string): string {
  const session = /^arn:([^:]+):sts::(\d+):assumed-role\/([^/]+)\/[^/]+$/.exec(arn);
  if (!session || session[3]?.startsWith("AWSReservedSSO_")) return arn;
  const [, partition, account, role] = session;
  return `arn:${partition}:iam::${account}:role/${role}`;
}

/** `admins` are ARNs as above; a trailing `*` matches any rest. */
export const isAdmin = ({ arn }: Caller, admins: readonly string[]): boolean => matchesAny(admins, arn);

/** @throws NotYours unless the caller owns the cluster or is an administrator of the deployment. */
export function mayTouch(caller: Caller, record: Pick<ClusterRecord, "name" | "owner">, admins: readonly string[]): void {
  if (record.owner === caller.arn || isAdmin(caller, admins)) return;
  throw new NotYours(`${caller.arn} neither owns ${record.name} nor administers this deployment`);
}
