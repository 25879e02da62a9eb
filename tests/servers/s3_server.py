"""A real server that speaks S3, for tests: a process of its own, with everything in its memory."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import boto3

from gateway.demo.processes import Served, free_port

BUCKET = "hutong-attachments"


class S3Server:
    """One server with one bucket. `environment`: what a gateway is told of it."""

    def __init__(self, folder: Path) -> None:
        port = free_port()
        command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
        self._served = Served(command, port, "/moto-api/", folder / "s3.log")

    def __enter__(self) -> S3Server:
        self._served.start()
        self._served.wait_until_serving()
        self._client = boto3.client(
            "s3",
            endpoint_url=self.url,
            aws_access_key_id="invented",
            aws_secret_access_key="invented",
            region_name="us-east-1",
        )
        self._client.create_bucket(Bucket=BUCKET)
        return self

    def __exit__(self, *_: object) -> None:
        self._served.kill()

    @property
    def url(self) -> str:
        """Where it is."""
        return self._served.url

    @property
    def environment(self) -> Mapping[str, str]:
        """Give the variables by which it is found."""
        return {
            "AWS_ENDPOINT": self.url,
            "AWS_ALLOW_HTTP": "true",
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "invented",
            "AWS_SECRET_ACCESS_KEY": "invented",
        }

    def objects(self) -> dict[str, int]:
        """Give the size of every object by its name."""
        listed = self._client.list_objects_v2(Bucket=BUCKET).get("Contents", [])
        return {one["Key"]: one["Size"] for one in listed}

    def put(self, name: str, content: bytes) -> None:
        """Keep an object that is not the gateway's."""
        self._client.put_object(Bucket=BUCKET, Key=name, Body=content)

    def die(self) -> None:
        """End it as a crash does."""
        self._served.kill()
