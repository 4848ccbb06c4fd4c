"""Asks a running gateway's HTTP API, and holds each answer against docs/openapi.yaml."""
import base64
import json
import urllib.error
import urllib.request

import openapi

ADMIN_KEY = "admin-key-1"


def basic(user, password):
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


class Api:
    def __init__(self, port, authorization=None):
        self.url = f"http://127.0.0.1:{port}"
        self.authorization = authorization or basic("admin", ADMIN_KEY)

    def ask(self, method, path, body=None, headers=None, authorization=None):
        """(status, parsed JSON or text, headers)."""
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data=data, method=method, headers={
            "Authorization": authorization or self.authorization, "Content-Type": "application/json",
            **(headers or {})})
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                status, text, fields = answer.status, answer.read().decode(), answer.headers
        except urllib.error.HTTPError as e:
            status, text, fields = e.code, e.read().decode(), e.headers
        is_json = fields.get_content_type() == "application/json"
        content = json.loads(text) if is_json else text
        openapi.check(method, path, status, fields.get("Content-Type", ""), content)
        return status, content, fields
