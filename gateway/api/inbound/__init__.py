"""The hot paths: `POST /v1/inbound/{operation}` and `POST /v1/messages`, on bare ASGI."""
