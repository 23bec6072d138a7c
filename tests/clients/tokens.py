"""A service in Python that knows nothing of Roster but its public keys: PyJWT takes the user tokens that are good, and refuses what
`VerifyUserToken` refuses.

Takes the server from ROSTER_ADDRESS, ROSTER_API_KEY and ROSTER_JWKS_URL and the stubs from PYTHONPATH; `.ci/run clients` sees to all
of it.
"""

import base64
import hashlib
import hmac
import json
import os

import grpc
import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from roster.v1 import token_service_pb2, token_service_pb2_grpc, user_pb2, user_service_pb2, user_service_pb2_grpc


def encoded(data):
    """The bytes, or the object as JSON, in base64url without padding."""
    data = data if isinstance(data, bytes) else json.dumps(data).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def signed(header, claims, sign):
    message = f"{encoded(header)}.{encoded(claims)}"
    return f"{message}.{encoded(sign(message.encode()))}"


def decoded(token, key):
    """What the token says, if it is good."""
    return jwt.decode(
        token,
        key,
        algorithms=["EdDSA"],
        audience="roster",
        issuer="roster",
        options={"require": ["iss", "aud", "sub", "iat", "exp", "jti"]},
    )


def malformed(good, key):
    """What somebody makes of a good token and the public key who wants to be taken for somebody else."""
    header, claims = jwt.get_unverified_header(good), jwt.decode(good, options={"verify_signature": False})
    message, signature = good.rsplit(".", 1)
    own = Ed25519PrivateKey.generate()
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": encoded(own.public_key().public_bytes_raw())}
    yield "no token", ""
    yield "two parts", message
    yield "four parts", f"{good}.{signature}"
    yield "cut", good[:-1]
    yield "no signature", f"{message}."
    yield "a megabyte", "a" * (1 << 20)
    yield "a megabyte of claims", f"{encoded(header)}.{'A' * (1 << 20)}.{signature}"
    yield "changed claims", f"{encoded(header)}.{encoded({**claims, 'sub': 'root'})}.{signature}"
    yield "a changed header", f"{encoded({**header, 'extra': 1})}.{message.split('.')[1]}.{signature}"
    for alg in ("none", "None", "NONE"):
        yield alg, f"{encoded({**header, 'alg': alg})}.{encoded(claims)}."
    public = key["x"].encode()
    for secret in (public, base64.urlsafe_b64decode(public + b"="), json.dumps(key).encode()):
        hs256 = {**header, "alg": "HS256"}
        yield "the public key as a secret", signed(hs256, claims, lambda text: hmac.digest(secret, text, hashlib.sha256))
    yield "another key", signed(header, claims, own.sign)
    for name, value in (("jwk", jwk), ("jku", "http://127.0.0.1:1/jwks.json"), ("x5u", "http://127.0.0.1:1/")):
        yield name, signed({**header, name: value}, claims, own.sign)
    for kid in ("unknown", "' OR '1'='1", "../../../../dev/null", "k" * 10_000, ""):
        yield f"kid {kid[:20]}", signed({**header, "kid": kid}, claims, own.sign)


def main():
    api_key = (("x-api-key", os.environ["ROSTER_API_KEY"]),)
    with grpc.insecure_channel(os.environ["ROSTER_ADDRESS"]) as channel:
        users = user_service_pb2_grpc.UserServiceStub(channel)
        tokens = token_service_pb2_grpc.TokenServiceStub(channel)

        def verify(token):
            return tokens.VerifyUserToken(token_service_pb2.VerifyUserTokenRequest(token=token), metadata=api_key)

        user = user_pb2.UserDto(username="tokens")
        user_id = users.CreateUser(user_service_pb2.CreateUserRequest(user=user), metadata=api_key).user.user_id
        refresh = user_service_pb2.RefreshUserTokenRequest(user_id=user_id)
        refreshed = users.RefreshUserToken(refresh, metadata=api_key)
        good = refreshed.token

        # From the call alone, and from the address that JOSE libraries ask for themselves.
        answer = tokens.GetJwks(token_service_pb2.GetJwksRequest(), metadata=api_key)
        members = ("kty", "crv", "kid", "alg", "use", "x")
        called = {"keys": [{member: getattr(key, member) for member in members} for key in answer.keys]}
        client = jwt.PyJWKClient(os.environ["ROSTER_JWKS_URL"])
        assert client.fetch_data() == called, called
        of_call = jwt.PyJWKSet.from_dict(called)[jwt.get_unverified_header(good)["kid"]]
        for key in (of_call, client.get_signing_key_from_jwt(good)):
            claims = decoded(good, key)
            assert (claims["sub"], claims["iat"], claims["exp"]) == (user_id, refreshed.iat, refreshed.exp), claims
        for other in ({"audience": "other", "issuer": "roster"}, {"audience": "roster", "issuer": "other"}):
            try:
                jwt.decode(good, of_call, algorithms=["EdDSA"], **other)
            except jwt.InvalidTokenError:
                continue
            raise AssertionError(other)
        assert verify(good).active

        count = 0
        for what, token in malformed(good, called["keys"][0]):
            answer = verify(token)
            assert not answer.active, what
            assert answer.inactive_reason == token_service_pb2.TOKEN_INACTIVE_REASON_INVALID, (what, answer)
            try:
                decoded(token, of_call)
            except jwt.PyJWTError:
                count += 1
                continue
            raise AssertionError(what)

        # What the signature cannot tell, the call does.
        tokens.RevokeUserTokens(token_service_pb2.RevokeUserTokensRequest(user_id=user_id), metadata=api_key)
        assert verify(good).inactive_reason == token_service_pb2.TOKEN_INACTIVE_REASON_REVOKED
        assert decoded(good, of_call)["sub"] == user_id
        users.DeleteUser(user_service_pb2.DeleteUserRequest(user_id=user_id), metadata=api_key)
    print(f"python: PyJWT {jwt.__version__} took a good token by both ways to the keys; both refused {count} malformed ones")


main()
