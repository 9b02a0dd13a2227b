import { S3Client } from "@aws-sdk/client-s3";
import { step } from "../../shared/lambda/step";
import { ensureBucket } from "../../shared/resources/bucket";

const s3 = new S3Client();
export const handler = step("CreateBucket", ({ plan, ledger }) => ensureBucket(s3, plan, ledger));
