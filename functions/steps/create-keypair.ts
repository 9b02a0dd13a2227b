import { EC2Client } from "@aws-sdk/client-ec2";
import { S3Client } from "@aws-sdk/client-s3";
import { step } from "../../shared/lambda/step";
import { ensureKeypair } from "../../shared/resources/keypair";

const clients = { ec2: new EC2Client(), s3: new S3Client() };
export const handler = step("CreateKeypair", ({ plan, ledger }) => ensureKeypair(clients, plan, ledger));
