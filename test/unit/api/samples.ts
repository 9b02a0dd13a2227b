import type { APIGatewayProxyEventV2, Context } from "aws-lambda";
import { readEnvironment } from "../../../shared/lambda/environment";
import type { Answer, Request } from "../../../shared/lambda/route";
import type { ClusterRecord, LedgerEntry } from "../../../shared/registry/cluster-record";

export const alice = { arn: "arn:aws:iam::111122223333:user/alice", accountId: "111122223333" };
export const bob = { arn: "arn:aws:iam::111122223333:user/bob", accountId: "111122223333" };
export const admin = { arn: "arn:aws:iam::111122223333:role/Admins-1", accountId: "111122223333" };
export const now = new Date("2026-11-23T10:00:00Z");

/** A deployment's settings as its functions get them. */
export const settings = {
  DEPLOYMENT: "dev",
  AWS_REGION: "us-east-1",
  ACCOUNT_ID: "111122223333",
  PARTITION: "aws",
  INSTANCE_TYPES: "t3.*,t2.*,m5.*,c5.*",
  IMAGE_OWNERS: "099720109477",
  MAX_NODES: "10",
  TTL_DEFAULT_SECONDS: "3600",
  TTL_CAP_SECONDS: "172800",
  ARTIFACTS_KUBERNETES: "https://dl.k8s.io/",
  ARTIFACTS_GITHUB: "https://github.com/",
  ARTIFACTS_CALICO: "https://raw.githubusercontent.com/projectcalico/",
  PROBER_IMAGE: "registry.k8s.io/e2e-test-images/agnhost:2.53",
  PROBE_CLIENT_TYPE: "t3.micro",
  WAIT_POLL_SECONDS: "9.5",
  WAIT_NODES_SECONDS: "900",
  WAIT_CALICO_SECONDS: "600",
  WAIT_DELETE_SECONDS: "1800",
  WAIT_SETTLE_SECONDS: "120",
  TABLE: "clusters",
  CREATE_MACHINE_ARN: "arn:aws:states:us-east-1:111122223333:stateMachine:clowder-dev-create-cluster",
  DELETE_MACHINE_ARN: "arn:aws:states:us-east-1:111122223333:stateMachine:clowder-dev-delete-cluster",
  ADMINS: "arn:aws:iam::111122223333:role/Admins-*",
};
export const environment = readEnvironment(settings);

const made = (key: string, at: string, rest: Partial<LedgerEntry> = {}): [string, LedgerEntry] => [
  key,
  { kind: key.slice(0, key.indexOf("/")), state: "made", token: key, epoch: 1, at, id: `id-of-${key}`, ...rest },
];

export const recordOf = (change: Partial<ClusterRecord> = {}): ClusterRecord => ({
  name: "demo.k8s.local",
  uid: "a1b2c3d4e5",
  region: "us-east-1",
  epoch: 1,
  generation: 1,
  owner: alice.arn,
  status: "Ready",
  createdAt: "2026-11-23T09:50:00.000Z",
  readyAt: "2026-11-23T09:54:30.000Z",
  expiresAt: "2026-11-23T10:54:30.000Z",
  versions: { kubernetes: "1.34.4", calico: "v3.31.4" },
  conditions: [],
  timeline: [
    { stage: "CreatePki", startedAt: "2026-11-23T09:50:02.000Z", endedAt: "2026-11-23T09:50:03.000Z", seconds: 1, outcome: "done" },
    { stage: "CreateBucket", startedAt: "2026-11-23T09:50:01.000Z", endedAt: "2026-11-23T09:50:02.000Z", seconds: 1, outcome: "done" },
  ],
  ledger: Object.fromEntries([
    made("load-balancer/api", "2026-11-23T09:50:20.000Z", { detail: { dnsName: "api-demo-1.us-east-1.elb.amazonaws.com" } }),
    made("instance/master-us-east-1a-0", "2026-11-23T09:50:10.000Z", { detail: { role: "control-plane" } }),
    made("instance/nodes-0", "2026-11-23T09:50:10.000Z", { detail: { role: "node" } }),
    made("instance/nodes-1", "2026-11-23T09:50:10.000Z", { detail: { role: "node" } }),
    made("instance/probe-client-0", "2026-11-23T09:50:10.000Z", { state: "gone", detail: { role: "probe-client" } }),
  ]),
  warnings: [],
  apiEndpoint: "https://api-demo-1.us-east-1.elb.amazonaws.com",
  dataPlane: {
    status: "True",
    reason: "TrafficProved",
    message: "traffic crossed every path",
    checks: [
      { check: "FelixRunsBpf", status: "True", message: "3 of 3" },
      { check: "TrafficProved", status: "True", message: "negative control held" },
    ],
    collectedBy: "clowder collector on ip-172-20-32-10",
  },
  ...change,
});

export const requestOf = (change: Partial<Request> = {}): Request => ({
  body: "",
  query: {},
  path: { name: "demo.k8s.local" },
  headers: {},
  caller: alice,
  now,
  ...change,
});

/** What API Gateway hands a function behind an AWS_IAM route, as the HTTP API developer guide prints it. */
export const eventOf = (change: Partial<APIGatewayProxyEventV2> = {}, userArn = alice.arn): APIGatewayProxyEventV2 =>
  ({
    version: "2.0",
    routeKey: "GET /clusters/{name}",
    rawPath: "/clusters/demo.k8s.local",
    rawQueryString: "",
    headers: { host: "abc.execute-api.us-east-1.amazonaws.com" },
    pathParameters: { name: "demo.k8s.local" },
    isBase64Encoded: false,
    requestContext: {
      accountId: "111122223333",
      authorizer: { iam: { accessKey: "AKIAEXAMPLE", accountId: "111122223333", callerId: "AIDA", userArn, userId: "AIDA" } },
      http: { method: "GET", path: "/clusters/demo.k8s.local", protocol: "HTTP/1.1", sourceIp: "192.0.2.1", userAgent: "curl" },
      requestId: "JKJaXmPLvHcESHA=",
      routeKey: "GET /clusters/{name}",
      stage: "$default",
    },
    ...change,
  }) as unknown as APIGatewayProxyEventV2;

export const lambdaContext = { awsRequestId: "1", getRemainingTimeInMillis: () => 20_000 } as unknown as Context;

/** The JSON body of an answer. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export const bodyOf = (answer: Answer): any => JSON.parse(JSON.stringify(answer.body));
