"""The API server, with python3's standard library (3.6 and later) and a ServiceAccount's token."""
import json
import ssl
import urllib.error
import urllib.parse
import urllib.request


class ApiError(Exception):
    def __init__(self, status, message):
        Exception.__init__(self, "%s: %s" % (status, message) if status else message)
        self.status = status
        self.body = message


class Api:
    def __init__(self, server, token_file, ca_file):
        self.server = server.rstrip("/")
        self.token_file = token_file
        handlers = [urllib.request.ProxyHandler({})]
        if server.startswith("https:"):
            handlers.append(urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=ca_file)))
        self.opener = urllib.request.build_opener(*handlers)

    def text(self, method, path, body=None, timeout=10):
        """The answer's text. ApiError carries the status of a refusal, or 0 where nothing answered."""
        with open(self.token_file) as file:  # read each time: it may be renewed
            headers = {"Authorization": "Bearer " + file.read().strip()}
        if body is not None:
            headers["Content-Type"] = "application/json"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.server + path, data=data, method=method, headers=headers)
        try:
            with self.opener.open(request, timeout=timeout) as answer:
                return answer.read().decode("utf-8", "replace")
        except urllib.error.HTTPError as error:
            raise ApiError(error.code, error.read(4000).decode("utf-8", "replace"))
        except (OSError, ValueError) as error:
            raise ApiError(0, str(getattr(error, "reason", error)))

    def get(self, path):
        return json.loads(self.text("GET", path))

    def items(self, path, selector=None):
        query = "?labelSelector=" + urllib.parse.quote(selector) if selector else ""
        return self.get(path + query).get("items") or []

    def find(self, path):
        try:
            return self.get(path)
        except ApiError as error:
            if error.status == 404:
                return None
            raise

    def create(self, path, thing):
        return json.loads(self.text("POST", path, thing))

    def replace(self, path, thing):
        return json.loads(self.text("PUT", path, thing))

    def delete(self, path):
        try:
            self.text("DELETE", path, {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background"})
        except ApiError as error:
            if error.status != 404:
                raise

    def through(self, namespace, pod, port, path, timeout=10):
        """Status and body of what a pod itself answers. ApiError where the API server could not reach it."""
        try:
            return 200, self.text("GET", "/api/v1/namespaces/%s/pods/%s:%d/proxy/%s" % (namespace, pod, port, path), timeout=timeout)
        except ApiError as error:
            if error.status and '"kind":"Status"' not in error.body.replace(" ", ""):
                return error.status, error.body
            raise ApiError(0, "connection refused" if "connection refused" in error.body else error.body[:300])
