"""A client in Python on the stubs that grpcio-tools makes: it creates a user, reads them back and is refused.

Takes the server from ROSTER_ADDRESS and ROSTER_API_KEY and the stubs from PYTHONPATH; `.ci/run client` sees to all of it.
"""

import os

import grpc
from google.protobuf.field_mask_pb2 import FieldMask
from google.rpc import error_details_pb2, status_pb2
from roster.v1 import error_reason_pb2, user_pb2, user_service_pb2, user_service_pb2_grpc


def refusal(call):
    """Code, ErrorInfo and BadRequest of a call that must fail."""
    try:
        call()
    except grpc.RpcError as error:
        trailers = dict(error.trailing_metadata())
        status = status_pb2.Status.FromString(trailers["grpc-status-details-bin"])
        info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
        for detail in status.details:
            detail.Unpack(info) or detail.Unpack(bad)
        assert info.domain == "roster", status
        assert f"ERROR_REASON_{info.reason}" in error_reason_pb2.ErrorReason.keys(), info
        return error.code(), info, bad
    raise AssertionError("the call should have been refused")


def main():
    key = (("x-api-key", os.environ["ROSTER_API_KEY"]),)
    with grpc.insecure_channel(os.environ["ROSTER_ADDRESS"]) as channel:
        users = user_service_pb2_grpc.UserServiceStub(channel)

        carol = user_pb2.UserDto(username="carol", email="carol@example.com", gender=user_pb2.GENDER_F)
        carol.custom_data.update({"school": "xxxxx", "age": 22})
        carol.signed_up.FromJsonString("2020-10-15T17:55:37+08:00")
        created = users.CreateUser(user_service_pb2.CreateUserRequest(user=carol), metadata=key).user

        get = user_service_pb2.GetUserRequest(
            user_id="carol", user_id_type=user_pb2.USER_ID_TYPE_USERNAME, with_custom_data=True
        )
        answer, call = users.GetUser.with_call(get, metadata=(*key, ("x-request-id", "python-1")))
        assert answer.user == created, answer
        assert answer.user.custom_data["age"] == 22 and answer.user.signed_up == carol.signed_up, answer
        assert not answer.user.HasField("nickname") and answer.user.HasField("email_verified"), answer
        assert dict(call.initial_metadata())["x-request-id"] == "python-1"

        # Read, change, send the whole back: the mask says what counts, the etag in it that nobody was faster.
        answer.user.nickname = "Caz"
        update = user_service_pb2.UpdateUserRequest(
            user_id=created.user_id, user=answer.user, update_mask=FieldMask(paths=["nickname"])
        )
        assert users.UpdateUser(update, metadata=key).user.nickname == "Caz"
        code, info, _ = refusal(lambda: users.UpdateUser(update, metadata=key))
        assert (code, info.reason) == (grpc.StatusCode.ABORTED, "ETAG_MISMATCH")

        code, info, _ = refusal(lambda: users.CreateUser(user_service_pb2.CreateUserRequest(user=carol), metadata=key))
        assert (code, info.reason) == (grpc.StatusCode.ALREADY_EXISTS, "EMAIL_EXISTS")
        assert info.metadata["conflicts"] == "EMAIL_EXISTS,USERNAME_EXISTS", info

        bad_user = user_service_pb2.CreateUserRequest(user=user_pb2.UserDto(email="no at sign", gender=77))
        code, info, bad = refusal(lambda: users.CreateUser(bad_user, metadata=key))
        assert (code, info.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD")
        assert {violation.field for violation in bad.field_violations} == {"user.email", "user.gender"}, bad

        code, info, _ = refusal(lambda: users.GetUser(get))
        assert (code, info.reason) == (grpc.StatusCode.UNAUTHENTICATED, "API_KEY_MISSING")

        users.DeleteUser(user_service_pb2.DeleteUserRequest(user_id=created.user_id), metadata=key)
        code, info, _ = refusal(lambda: users.GetUser(get, metadata=key))
        assert (code, info.reason) == (grpc.StatusCode.NOT_FOUND, "USER_NOT_FOUND")
    print("python: created, read, updated, refused five times, deleted")


main()
