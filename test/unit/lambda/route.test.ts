import * as errors from "../../../shared/errors";
import { type Answer, type Request, route } from "../../../shared/lambda/route";
import { eventOf, lambdaContext, settings } from "../api/samples";

const logged: string[] = [];
beforeAll(() => Object.assign(process.env, settings));
beforeEach(() => {
  logged.length = 0;
  jest.spyOn(console, "error").mockImplementation((line: string) => void logged.push(line));
});
afterEach(() => jest.restoreAllMocks());

const call = async (work: (request: Request) => Promise<Answer>, event = eventOf()) => {
  const result = await route(work)(event, lambdaContext);
  return { status: result.statusCode, headers: result.headers ?? {}, text: result.body ?? "", json: () => JSON.parse(result.body ?? "") };
};
const throwing = (error: unknown) => call(() => Promise.reject(error));

describe("what the work is given", () => {
  test.each([
    ["base64 is decoded, as API Gateway sends YAML", { body: Buffer.from("name: dämo").toString("base64"), isBase64Encoded: true }],
    ["text stays as it is", { body: "name: dämo" }],
  ])("%s", async (_title, change) => {
    let seen = "";
    await call(async ({ body }) => ((seen = body), { status: 200, body: {} }), eventOf(change));
    expect(seen).toBe("name: dämo");
  });

  test("a request without query, path or body has empty ones", async () => {
    let seen: Request | undefined;
    const event = eventOf({ queryStringParameters: undefined, pathParameters: undefined, body: undefined });
    await call(async (request) => ((seen = request), { status: 200, body: {} }), event);
    expect(seen).toMatchObject({ body: "", query: {}, path: {}, caller: { arn: "arn:aws:iam::111122223333:user/alice" } });
  });
});

describe("what goes out", () => {
  test("bytes leave in base64, which API Gateway undoes", async () => {
    const result = await route(async () => ({ status: 200, headers: { "content-type": "application/gzip" }, body: new Uint8Array([0, 255, 31]) }))(eventOf(), lambdaContext);
    expect(result).toMatchObject({ statusCode: 200, isBase64Encoded: true, body: "AP8f", headers: { "content-type": "application/gzip" } });
  });

  test("an object leaves as JSON that nobody caches", async () => {
    const answer = await call(async () => ({ status: 202, headers: { location: "/clusters/x" }, body: { name: "x" } }));
    expect(answer).toMatchObject({ status: 202, text: '{"name":"x"}' });
    expect(answer.headers).toEqual({ "content-type": "application/json", "cache-control": "no-store", location: "/clusters/x" });
  });

  test("a string leaves as it is", async () => {
    const answer = await call(async () => ({ status: 200, headers: { "content-type": "application/yaml" }, body: "kind: Config\n" }));
    expect(answer).toMatchObject({ text: "kind: Config\n", headers: { "content-type": "application/yaml" } });
  });
});

type Thrown = new (message: string) => errors.ClowderError;
const classes = Object.entries(errors).filter(([name]) => !["ClowderError", "InvalidManifest", "InvalidChange"].includes(name)) as unknown as [string, Thrown][];

describe("what is thrown", () => {
  test.each(classes)("%s leaves as problem+json with its status", async (name, Failure) => {
    const error = new Failure("what happened");
    const answer = await throwing(error);
    expect(answer.headers["content-type"]).toBe("application/problem+json");
    expect(answer.status).toBe(error.status);
    expect(answer.json()).toMatchObject({
      type: `urn:clowder:problem:${name}`,
      status: error.status,
      instance: "/clusters/demo.k8s.local",
      code: name,
      retryable: error.blame === "transient",
      userError: error.blame === "user",
    });
  });

  test("every problem of a manifest is told by its path", async () => {
    const problems = [{ path: "spec.networking", message: "must be calico" }, { path: "spec.subnets[0].cidr", message: "must lie in 172.20.0.0/16" }];
    const answer = await throwing(new errors.InvalidManifest(problems));
    expect(answer.json()).toMatchObject({ status: 422, title: "Invalid manifest", detail: "2 problems in the manifest", problems });
  });

  test("next step and Retry-After go with it", async () => {
    const answer = await throwing(new errors.ClusterExists("taken", { nextStep: "DELETE it", retryAfterSeconds: 30 }));
    expect(answer.json()).toMatchObject({ detail: "taken", nextStep: "DELETE it" });
    expect(answer.headers["retry-after"]).toBe("30");
  });

  test("a user's mistake is not logged as a fault", async () => {
    await throwing(new errors.ClusterNotFound("none"));
    expect(logged).toEqual([]);
  });

  test("an error of the SDK becomes one of ours, and a refusal of our own role keeps its ARNs in the log", async () => {
    const denied = Object.assign(new Error("arn:aws:sts::1:assumed-role/x is not authorized"), { name: "AccessDeniedException", $metadata: {} });
    const answer = await throwing(denied);
    expect(answer.json()).toMatchObject({ status: 500, code: "PermissionMissing", userError: false });
    expect(answer.text).not.toContain("arn:aws:sts");
    expect(JSON.parse(logged[0] ?? "")).toMatchObject({ error: "PermissionMissing", requestId: "JKJaXmPLvHcESHA=", level: "error" });
  });

  test("throttling is a 503 that may be tried again", async () => {
    const answer = await throwing(Object.assign(new Error("slow down"), { name: "ThrottlingException", $metadata: {} }));
    expect(answer.json()).toMatchObject({ status: 503, code: "TryAgain", retryable: true });
  });

  test.each([["an error", new TypeError("secret of undefined")], ["no error at all", "secret"]])("%s tells nothing but where to look", async (_title, thrown) => {
    const answer = await throwing(thrown);
    expect(answer.json()).toMatchObject({ status: 500, code: "Unexpected", type: "about:blank", requestId: "JKJaXmPLvHcESHA=" });
    expect(answer.text).not.toContain("secret");
    expect(logged).toHaveLength(1);
    expect(logged[0]).not.toContain("\n");
  });

  test("a caller without identity is refused before the work begins", async () => {
    const work = jest.fn();
    const event = eventOf({}, "");
    expect(await call(work, event)).toMatchObject({ status: 403 });
    expect(work).not.toHaveBeenCalled();
  });
});
