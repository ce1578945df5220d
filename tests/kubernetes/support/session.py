"""A connection to the API server that is kept, for many objects."""
import http.client
import ssl


class Session:
    def __init__(self, host, port, authority, token):
        trust = ssl.create_default_context(cafile=authority)
        self._connection = http.client.HTTPSConnection(host, port, timeout=30, context=trust)
        self._authorization = {"Authorization": "Bearer " + token}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._connection.close()

    def post(self, target, body):
        return self._send("POST", target, body, "application/json")

    def patch(self, target, body):
        return self._send("PATCH", target, body, "application/json-patch+json")

    def delete(self, target):
        return self._send("DELETE", target, "", "application/json")

    def merge(self, target, body):
        return self._send("PATCH", target, body, "application/merge-patch+json")

    def _send(self, method, target, body, content_type):
        self._connection.request(method, target, body, {**self._authorization, "Content-Type": content_type})
        answer = self._connection.getresponse()
        text = answer.read()
        if answer.status >= 300:
            raise AssertionError(f"{method} {target}: {answer.status} {text.decode(errors='replace')[:500]}")
        return text
