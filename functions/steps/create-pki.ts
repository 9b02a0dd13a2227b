import { S3Client } from "@aws-sdk/client-s3";
import { step } from "../../shared/lambda/step";
import { ensurePki } from "../../shared/resources/pki";

const s3 = new S3Client();
export const handler = step("CreatePki", ({ plan, ledger }) => ensurePki(s3, plan, ledger));
