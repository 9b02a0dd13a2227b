import { X509Certificate, verify } from "node:crypto";
import { signAccess } from "../../../shared/bootstrap/access-marker";
import { makePki } from "../../../shared/bootstrap/pki";
import { samplePlan } from "../resources/sample-plan";

test("a word on the bootstrap is signed as a whole by the CA key: with anything in it changed the signature is another's", async () => {
  const { files } = await makePki(samplePlan());
  const open = { token: "abcdef.0123456789abcdef", expires: "2026-11-23T13:00:00Z", ended: ["ip-10-0-1-4.ec2.internal"] };
  const access = { uid: "demo1234", nonce: "n0nce", at: "2026-11-23T12:00:00.000Z", open };

  const { document, signature } = signAccess(files["ca.key"], access);

  const holds = (text: string) => verify("sha256", Buffer.from(text), new X509Certificate(files["ca.crt"]).publicKey, Buffer.from(signature, "base64"));
  expect(JSON.parse(document)).toEqual(access);
  expect(holds(document)).toBe(true);
  for (const part of ["demo1234", "n0nce", "T12:00:00", "abcdef", "T13:00:00", "ip-10-0-1-4"]) expect([part, holds(document.replace(part, "other"))]).toEqual([part, false]);
});
