"""Attachments by claim check: content that is uploaded once and named by documents, which carry only its id."""

from gateway.attachments.attachments import Attachments, Fetched
from gateway.attachments.folder import FolderStore
from gateway.attachments.s3 import S3, S3Store
from gateway.attachments.store import ObjectStore

__all__ = ["S3", "Attachments", "Fetched", "FolderStore", "ObjectStore", "S3Store"]
