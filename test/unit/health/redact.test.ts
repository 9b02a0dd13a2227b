import { redact, redactAll, tailOf } from "../../../shared/health/redact";

test.each([
  ["a bootstrap token", "kubeadm join --token abcdef.0123456789abcdef 10.0.0.1:6443", "abcdef.0123456789abcdef"],
  ["a private key", "x\n-----BEGIN RSA PRIVATE KEY-----\nMIIEow\n-----END RSA PRIVATE KEY-----\ny", "MIIEow"],
  ["a private key that was cut", "-----BEGIN PRIVATE KEY-----\nMIIEow", "MIIEow"],
  ["an access key", "using ASIAQWERTYUIOPASDFGH now", "ASIAQWERTYUIOPASDFGH"],
  ["a certificate key", `--certificate-key ${"ab12".repeat(16)}`, "ab12ab12"],
  ["a JSON web token", "got eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJr.c2ln end", "eyJpc3MiOiJr"],
  ["a header", "Authorization: Bearer abcdefgh12345", "abcdefgh12345"],
])("%s is removed", (_name, text, secret) => {
  expect(text).toContain(secret);
  expect(redact(text)).not.toContain(secret);
});

test("what is no secret stays", () => {
  const text =
    "error execution phase preflight: [ERROR Port-6443]: Port 6443 is in use; sha256 file kubelet v1.34.4 ip-10-0-0-1.ec2.internal";
  expect(redact(text)).toBe(text);
});

test("the tail is the last full lines, cut after secrets were removed", () => {
  expect(tailOf("a\r\n\nb\nc\n", 2)).toEqual(["b", "c"]);
  expect(tailOf(`${"x".repeat(290)} abcdef.0123456789abcdef`, 1)[0]).not.toContain("abcdef.012");
});

test("in a structure the name of a member tells a secret too, and what is public stays", () => {
  const given = { token: "short", "bootstrap-token": "x", accessKey: "y", list: ["Authorization: Bearer abcdefgh12345"], clientToken: "a-0", count: 3, none: null };
  expect(redactAll(given)).toEqual({ token: "[removed]", "bootstrap-token": "[removed]", accessKey: "[removed]", list: ["Authorization: [removed]"], clientToken: "a-0", count: 3, none: null });
});
