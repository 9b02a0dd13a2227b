import { S3Client } from "@aws-sdk/client-s3";
import { deleteStep } from "../../shared/lambda/delete-step";
import { deleteBucket } from "../../shared/resources/bucket";

const s3 = new S3Client();
export const handler = deleteStep("DeleteBucket", (target) => deleteBucket(s3, target));
