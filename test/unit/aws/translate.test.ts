import { codeOf, isDuplicate, isInUse, isNotFound, isUnsettled, translate } from "../../../shared/aws/translate";
import { ClusterExists, EpochPassed, ImageNotFound } from "../../../shared/errors";

const aws = (name: string, httpStatusCode = 400) => Object.assign(new Error("why"), { name, $metadata: { httpStatusCode } });

test.each([
  [aws("InvalidVpcID.NotFound"), "InvalidVpcID.NotFound"],
  [Object.assign(new Error("x"), { Code: "NoSuchBucket" }), "NoSuchBucket"],
  [aws("UnknownError", 403), "403"],
  [aws("Unknown", 404), "404"],
  [Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" }), "ECONNRESET"],
  ["thrown text", "Unknown"],
  [undefined, "Unknown"],
])("the code of %p is %s", (error, code) => {
  expect(codeOf(error)).toBe(code);
});

test.each([
  ["Throttling", "TryAgain"],
  ["ThrottlingException", "TryAgain"],
  ["RequestLimitExceeded", "TryAgain"],
  ["SlowDown", "TryAgain"],
  ["ProvisionedThroughputExceededException", "TryAgain"],
  ["TimeoutError", "TryAgain"],
  ["ECONNRESET", "TryAgain"],
  ["VpcLimitExceeded", "QuotaExceeded"],
  ["VcpuLimitExceeded", "QuotaExceeded"],
  ["LimitExceeded", "QuotaExceeded"],
  ["RulesPerSecurityGroupLimitExceeded", "QuotaExceeded"],
  ["TooManyAccessPointsException", "QuotaExceeded"],
  ["TooManyLoadBalancersException", "QuotaExceeded"],
  ["InsufficientInstanceCapacity", "CapacityMissing"],
  ["InsufficientFreeAddressesInSubnet", "CapacityMissing"],
  ["Unsupported", "CapacityMissing"],
  ["UnauthorizedOperation", "PermissionMissing"],
  ["AccessDenied", "PermissionMissing"],
  ["AuthFailure", "PermissionMissing"],
  ["InvalidParameterValue", "AwsRefused"],
  ["UnsupportedOperation", "AwsRefused"],
])("%s becomes %s and keeps AWS's words", (code, name) => {
  const thrown = aws(code);
  expect(translate(thrown)).toMatchObject({ name, message: `${code}: why`, cause: thrown });
});

test("any 5xx is worth another try, whatever its code", () => {
  expect(translate(aws("SomethingNew", 502)).name).toBe("TryAgain");
});

test("errors of our own pass as they are", () => {
  const passed = new EpochPassed("epoch 2");
  expect(translate(passed)).toBe(passed);
});

test.each([
  "InvalidInstanceID.NotFound",
  "InvalidGroup.NotFound",
  "NoSuchEntity",
  "NoSuchKey",
  "LoadBalancerNotFoundException",
  "AccessPointNotFoundException",
  "TargetGroupNotFound",
  "Gateway.NotAttached",
])("%s says that it is not there", (code) => {
  expect([isNotFound(aws(code)), isInUse(aws(code)), isDuplicate(aws(code))]).toEqual([true, false, false]);
});

test.each(["DependencyViolation", "ResourceInUseException", "DeleteConflict", "InvalidGroup.InUse", "VolumeInUse", "BucketNotEmpty"])(
  "%s says that something holds it",
  (code) => {
    expect([isInUse(aws(code)), isNotFound(aws(code))]).toEqual([true, false]);
  },
);

test.each([
  "InvalidPermission.Duplicate",
  "InvalidSubnet.Conflict",
  "RouteAlreadyExists",
  "DuplicateAccessPointNameException",
  "DuplicateListenerException",
  "IdempotentParameterMismatch",
])("%s says that an earlier call has made it", (code) => {
  expect([isDuplicate(aws(code)), isUnsettled(aws(code))]).toEqual([true, true]);
});

test.each(["InvalidTarget", "InvalidTargetException", "InvalidInstance", "IncorrectInstanceState", "InvalidIPAddress.InUse"])(
  "%s settles by itself",
  (code) => {
    expect(isUnsettled(aws(code))).toBe(true);
  },
);

test.each(["InvalidParameterValue", "UnauthorizedOperation", "DependencyViolation", "InsufficientInstanceCapacity", "VpcLimitExceeded"])(
  "%s does not settle by itself",
  (code) => {
    expect(isUnsettled(aws(code))).toBe(false);
  },
);

test("errors of our own are settled, whatever their names end in", () => {
  expect([new ImageNotFound("none"), new ClusterExists("one")].map(isUnsettled)).toEqual([false, false]);
});

test("InvalidParameterValue means in use only where EC2 says so", () => {
  const said = (message: string) => Object.assign(aws("InvalidParameterValue"), { message });
  expect(isInUse(said("Network interface 'eni-1' is currently in use."))).toBe(true);
  expect(isInUse(said("Value () for parameter groupId is invalid."))).toBe(false);
});
