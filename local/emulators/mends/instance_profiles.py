"""Instance profiles are made in moto too: they are IAM's, which MiniStack serves, and moto's RunInstances answers
NoSuchEntity for one that it has not."""
from ministack import app

from .account_emulator import SIGNED, send

MIRRORED = ("Action=CreateInstanceProfile", "Action=DeleteInstanceProfile")


def apply():
    serve = app.SERVICE_HANDLERS["iam"]

    async def serve_and_mirror(method, path, headers, body, query_params):
        answer = await serve(method, path, headers, body, query_params)
        if answer[0] == 200 and any(f"{action}&" in f"{body.decode()}&" for action in MIRRORED):
            status, _, said = send("POST", "/", {**headers, "authorization": SIGNED.format("iam")}, body)
            if status != 200:
                raise RuntimeError(f"moto did not take the instance profile: {status} {said.decode()}")
        return answer

    app.SERVICE_HANDLERS["iam"] = serve_and_mirror
