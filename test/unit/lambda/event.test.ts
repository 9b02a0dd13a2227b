import { PermissionMissing, TryAgain } from "../../../shared/errors";
import { onEvent } from "../../../shared/lambda/event";
import { lambdaContext, settings } from "../api/samples";

beforeAll(() => Object.assign(process.env, settings));
beforeEach(() => jest.spyOn(console, "error").mockImplementation(() => undefined));
afterEach(() => jest.restoreAllMocks());

test("the work gets the event and the deployment's settings, and its answer goes out", async () => {
  const answer = await onEvent(async (event: { name: string }, { table }) => `${event.name} in ${table}`)({ name: "demo" }, lambdaContext);
  expect(answer).toBe("demo in clusters");
});

test.each([
  ["ThrottlingException", TryAgain],
  ["AccessDeniedException", PermissionMissing],
])("AWS's %s leaves as one of ours", async (name, expected) => {
  const failing = onEvent(() => Promise.reject(Object.assign(new Error("no"), { name })));
  await expect(failing({}, lambdaContext)).rejects.toBeInstanceOf(expected);
});
