"""Who may ask: a token that a service account signed itself, for a scope that lets it read."""

import json
from functools import lru_cache

from google.auth import jwt

SCOPES = {f"https://www.googleapis.com/auth/{name}" for name in ("compute.readonly", "compute", "cloud-platform")}


class Identity:
    """Checks tokens with the public keys of a file: an object from key ids to PEM texts."""

    def __init__(self, path):
        with open(path) as file:
            self.keys = json.load(file)
        self.claims = lru_cache(maxsize=100)(lambda token: jwt.decode(token, self.keys))

    def refusal(self, header):
        """Returns status and reason if a caller may not ask."""
        scheme, _, token = (header or "").partition(" ")
        try:
            claims = self.claims(token) if scheme == "Bearer" else None
        except Exception:  # whatever is wrong with a token, it is refused
            claims = None
        if claims is None:
            return 401, "authError"
        if not SCOPES & set(claims.get("scope", "").split()):
            return 403, "insufficientPermissions"
        return None
