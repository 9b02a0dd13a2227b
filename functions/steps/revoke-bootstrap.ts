import { IAMClient } from "@aws-sdk/client-iam";
import { S3Client } from "@aws-sdk/client-s3";
import { step } from "../../shared/lambda/step";
import { revokeBootstrap } from "../../shared/resources/bootstrap-access";

const clients = { s3: new S3Client(), iam: new IAMClient() };
export const handler = step("RevokeBootstrap", ({ plan, ledger, now }) => revokeBootstrap(clients, plan, ledger, now));
