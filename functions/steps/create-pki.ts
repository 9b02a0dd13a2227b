import { S3Client } from "@aws-sdk/client-s3";
import { step } from "../../shared/lambda/step";
import { ensurePki } from "../../shared/resources/pki";

const s3 = new S3Client();
export const handler = step("CreatePki", async ({ plan, ledger, change }) => {
  const caCertificate = await ensurePki(s3, plan, ledger);
  if (caCertificate) change.caCertificate = caCertificate;
});
